package dynamodbd

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

type keySchema struct{ AttributeName, KeyType string }

type attribute struct{ AttributeName, AttributeType string }

type createInput struct {
	TableName                 string
	KeySchema                 []keySchema
	AttributeDefinitions      []attribute
	BillingMode               string
	DeletionProtectionEnabled bool
}

type named struct{ TableName string }

// table finds a table.
func (s *Server) table(name string) (*table, *failure) {
	if t := s.tables[name]; t != nil {
		return t, nil
	}
	return nil, &failure{code: "ResourceNotFoundException", message: "Requested resource not found: Table: " + name + " not found"}
}

func (s *Server) createTable(in *createInput) (any, *failure) {
	if s.tables[in.TableName] != nil {
		return nil, &failure{code: "ResourceInUseException", message: "Table already exists: " + in.TableName}
	}
	if len(in.KeySchema) != 2 || in.KeySchema[0].KeyType != "HASH" || in.KeySchema[1].KeyType != "RANGE" {
		return nil, invalid("this service double keeps tables with a partition and a sort key")
	}
	for _, a := range in.AttributeDefinitions {
		if a.AttributeType != "S" {
			return nil, invalid("this service double keeps keys that are strings")
		}
	}
	t := &table{
		name: in.TableName, created: s.now(), pk: in.KeySchema[0].AttributeName, sk: in.KeySchema[1].AttributeName,
		parts: map[string]*partition{}, protect: in.DeletionProtectionEnabled, billing: in.BillingMode,
	}
	s.tables[in.TableName] = t
	return map[string]any{"TableDescription": t.describe()}, nil
}

func (t *table) describe() map[string]any {
	billing := t.billing
	if billing == "" {
		billing = "PROVISIONED"
	}
	return map[string]any{
		"TableName": t.name, "TableStatus": "ACTIVE", "CreationDateTime": float64(t.created.UnixMilli()) / 1000,
		"KeySchema":                 []keySchema{{t.pk, "HASH"}, {t.sk, "RANGE"}},
		"AttributeDefinitions":      []attribute{{t.pk, "S"}, {t.sk, "S"}},
		"BillingModeSummary":        map[string]string{"BillingMode": billing},
		"DeletionProtectionEnabled": t.protect, "ItemCount": t.rows, "TableSizeBytes": t.bytes,
		"TableArn": "arn:aws:dynamodb:us-east-1:000000000000:table/" + t.name,
	}
}

func (s *Server) describeTable(in *named) (any, *failure) {
	t, fail := s.table(in.TableName)
	if fail != nil {
		return nil, fail
	}
	return map[string]any{"Table": t.describe()}, nil
}

func (s *Server) deleteTable(in *named) (any, *failure) {
	t, fail := s.table(in.TableName)
	if fail != nil {
		return nil, fail
	}
	if t.protect {
		return nil, invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	delete(s.tables, in.TableName)
	return map[string]any{"TableDescription": t.describe()}, nil
}

func (s *Server) listTables(*struct{}) (any, *failure) {
	return map[string]any{"TableNames": slices.Sorted(maps.Keys(s.tables))}, nil
}

func (s *Server) updateTable(in *struct {
	TableName                 string
	DeletionProtectionEnabled *bool
	BillingMode               string
},
) (any, *failure) {
	t, fail := s.table(in.TableName)
	if fail != nil {
		return nil, fail
	}
	if in.DeletionProtectionEnabled != nil {
		t.protect = *in.DeletionProtectionEnabled
	}
	if in.BillingMode != "" {
		t.billing = in.BillingMode
	}
	return map[string]any{"TableDescription": t.describe()}, nil
}

func (s *Server) updateTimeToLive(in *struct {
	TableName               string
	TimeToLiveSpecification struct {
		AttributeName string
		Enabled       bool
	}
},
) (any, *failure) {
	t, fail := s.table(in.TableName)
	if fail != nil {
		return nil, fail
	}
	spec := in.TimeToLiveSpecification
	if spec.Enabled == (t.ttl != "") {
		return nil, invalid("TimeToLive is already as requested")
	}
	if t.ttl = ""; spec.Enabled {
		t.ttl = spec.AttributeName
	}
	return map[string]any{"TimeToLiveSpecification": spec}, nil
}

func (s *Server) describeTimeToLive(in *named) (any, *failure) {
	t, fail := s.table(in.TableName)
	if fail != nil {
		return nil, fail
	}
	if t.ttl == "" {
		return map[string]any{"TimeToLiveDescription": map[string]string{"TimeToLiveStatus": "DISABLED"}}, nil
	}
	return map[string]any{"TimeToLiveDescription": map[string]string{"TimeToLiveStatus": "ENABLED", "AttributeName": t.ttl}}, nil
}

func (s *Server) updateContinuousBackups(in *struct {
	TableName                        string
	PointInTimeRecoverySpecification struct{ PointInTimeRecoveryEnabled bool }
},
) (any, *failure) {
	t, fail := s.table(in.TableName)
	if fail != nil {
		return nil, fail
	}
	t.backups = in.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled
	return t.continuousBackups(), nil
}

func (s *Server) describeContinuousBackups(in *named) (any, *failure) {
	t, fail := s.table(in.TableName)
	if fail != nil {
		return nil, fail
	}
	return t.continuousBackups(), nil
}

func (t *table) continuousBackups() any {
	state := "DISABLED"
	if t.backups {
		state = "ENABLED"
	}
	return map[string]any{"ContinuousBackupsDescription": map[string]any{
		"ContinuousBackupsStatus":        "ENABLED",
		"PointInTimeRecoveryDescription": map[string]string{"PointInTimeRecoveryStatus": state},
	}}
}

// Expire removes the rows whose time to live has passed at an instant, as the
// service does some day.
func (s *Server) Expire(at time.Time) (removed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := value{kind: 'N', text: strconv.FormatInt(at.Unix(), 10)}
	for _, t := range s.tables {
		for pk, p := range t.parts {
			for _, sk := range slices.Clone(p.sorted) {
				if v, ok := p.rows[sk][t.ttl]; ok && t.ttl != "" && compares(v, "<=", now) {
					t.set(pk, sk, nil)
					removed++
				}
			}
		}
	}
	return removed
}
