package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Create makes the table: billed by request, with point-in-time recovery,
// protected against deletion, rows expiring by their attribute x, marked as ours.
// A table that is there already is brought to the same settings and keeps its
// content; created tells which. It waits until the table can be used.
func (t *Table) Create(ctx context.Context) (created bool, err error) {
	op := "create store dynamodb:" + t.name
	key := func(name string, as types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: aws.String(name), KeyType: as}
	}
	text := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS}
	}
	_, err = t.api.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: &t.name, BillingMode: types.BillingModePayPerRequest, DeletionProtectionEnabled: aws.Bool(true),
		KeySchema:            []types.KeySchemaElement{key(attrPK, types.KeyTypeHash), key(attrSK, types.KeyTypeRange)},
		AttributeDefinitions: []types.AttributeDefinition{text(attrPK), text(attrSK)},
	})
	if _, there := errors.AsType[*types.ResourceInUseException](err); err != nil && !there {
		return false, translate(ctx, op, err)
	}
	created = err == nil
	wait := dynamodb.NewTableExistsWaiter(t.api, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = time.Second })
	if err := wait.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &t.name}, 5*time.Minute); err != nil {
		return created, translate(ctx, op, err)
	}
	facts, err := t.facts(ctx, op)
	if err != nil {
		return created, err
	}
	if err := t.settle(ctx, op, facts); err != nil {
		return created, err
	}
	return created, t.prepare(ctx)
}

// facts are a table's settings.
type facts struct {
	status                      types.TableStatus
	keys                        string
	onDemand, protected, backup bool
	expires                     string // attribute; "": nothing expires
	rows, bytes                 int64
}

func (t *Table) facts(ctx context.Context, op string) (facts, error) {
	table, err := t.api.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &t.name})
	if err != nil {
		return facts{}, translate(ctx, op, err)
	}
	d := table.Table
	f := facts{
		status: d.TableStatus, protected: aws.ToBool(d.DeletionProtectionEnabled),
		onDemand: d.BillingModeSummary != nil && d.BillingModeSummary.BillingMode == types.BillingModePayPerRequest,
		rows:     aws.ToInt64(d.ItemCount), bytes: aws.ToInt64(d.TableSizeBytes),
	}
	for _, k := range d.KeySchema {
		f.keys += " " + aws.ToString(k.AttributeName)
	}
	if f.keys = strings.TrimSpace(f.keys); f.keys != attrPK+" "+attrSK {
		return f, fault.New(fault.Invalid, op, "it is the table of another program: its keys are "+f.keys, "name another table")
	}
	ttl, err := t.api.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &t.name})
	if err != nil {
		return f, translate(ctx, op, err)
	}
	if d := ttl.TimeToLiveDescription; d != nil && strings.HasPrefix(string(d.TimeToLiveStatus), "ENABL") {
		f.expires = aws.ToString(d.AttributeName)
	}
	backups, err := t.api.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &t.name})
	if err != nil {
		return f, translate(ctx, op, err)
	}
	if d := backups.ContinuousBackupsDescription; d != nil && d.PointInTimeRecoveryDescription != nil {
		f.backup = d.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled
	}
	return f, nil
}

// settle turns on what is off.
func (t *Table) settle(ctx context.Context, op string, f facts) error {
	if !f.protected {
		_, err := t.api.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &t.name, DeletionProtectionEnabled: aws.Bool(true)})
		if err != nil {
			return translate(ctx, op, err)
		}
	}
	if f.expires == "" {
		_, err := t.api.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
			TableName:               &t.name,
			TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(attrExpires), Enabled: aws.Bool(true)},
		})
		if err != nil {
			return translate(ctx, op, err)
		}
	}
	if !f.backup {
		_, err := t.api.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{
			TableName:                        &t.name,
			PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)},
		})
		if err != nil {
			return translate(ctx, op, err)
		}
	}
	return nil
}

// Finding is one thing that was looked at.
type Finding struct {
	What string // "point-in-time recovery"
	OK   bool
	Text string // how it is, and what to do about it when it is not right
}

// Check looks at a table's settings and mark without changing anything.
func (t *Table) Check(ctx context.Context) ([]Finding, error) {
	op := "check store dynamodb:" + t.name
	f, err := t.facts(ctx, op)
	if err != nil {
		return nil, err
	}
	say := func(what string, ok bool, yes, no string) Finding {
		if ok {
			return Finding{what, true, yes}
		}
		return Finding{what, false, no}
	}
	const repair = "; `nines store create` turns it on"
	out := []Finding{
		say("table", f.status == types.TableStatusActive, fmt.Sprintf("active, about %d rows, %d bytes", f.rows, f.bytes), string(f.status)),
		say("billing", f.onDemand, "by request", "by provisioned capacity: writes are throttled above it"),
		say("point-in-time recovery", f.backup, "on", "off"+repair),
		say("deletion protection", f.protected, "on", "off"+repair),
		say("expiry", f.expires == attrExpires, "by attribute "+attrExpires, "rows whose time has come stay and cost"+repair),
	}
	schema, err := t.Schema(ctx)
	if err != nil {
		return out, err
	}
	out = append(out, say("schema", schema == t.opt.Schema, fmt.Sprintf("version %d", schema),
		fmt.Sprintf("version %d, this program writes %d", schema, t.opt.Schema)))
	return out, nil
}

// Remove deletes the table and everything in it, also when it is protected. Tests
// clean up with it.
func (t *Table) Remove(ctx context.Context) error {
	op := "remove store dynamodb:" + t.name
	if _, err := t.api.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &t.name, DeletionProtectionEnabled: aws.Bool(false)}); err != nil {
		return translate(ctx, op, err)
	}
	_, err := t.api.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &t.name})
	return translate(ctx, op, err)
}
