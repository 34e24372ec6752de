package dynamodbd

import "slices"

type queryInput struct {
	TableName                 string
	KeyConditionExpression    string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]value
	ScanIndexForward          *bool
	Limit                     *int
	ExclusiveStartKey         item
	ConsistentRead            bool
	ReturnConsumedCapacity    string
}

// maxPage is how much one page of a query reads.
const maxPage = 1 << 20

type queryOutput struct {
	Items            []item
	Count            int
	ScannedCount     int
	LastEvaluatedKey item      `json:",omitempty"`
	ConsumedCapacity *consumed `json:",omitempty"`
}

func (s *Server) query(in *queryInput) (any, *failure) {
	t, fail := s.table(in.TableName)
	if fail != nil {
		return nil, fail
	}
	holds, fail := condition(in.KeyConditionExpression, in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if fail != nil {
		return nil, fail
	}
	for _, v := range in.ExpressionAttributeValues {
		if v.kind == 'S' && v.text == "" {
			return nil, invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value")
		}
	}
	if in.Limit != nil && *in.Limit < 1 {
		return nil, invalid("Limit must be greater than or equal to 1")
	}
	part, fail := t.partitionOf(in)
	if fail != nil {
		return nil, fail
	}
	return s.page(in, t, part, holds), nil
}

// partitionOf finds the one partition a key condition is about.
func (t *table) partitionOf(in *queryInput) (*partition, *failure) {
	tok := tokens(in.KeyConditionExpression)
	for i := range tok {
		name := tok[i]
		if n, ok := in.ExpressionAttributeNames[name]; ok {
			name = n
		}
		if name == t.pk && i+2 < len(tok) && tok[i+1] == "=" {
			if p := t.parts[in.ExpressionAttributeValues[tok[i+2]].text]; p != nil {
				return p, nil
			}
			return &partition{}, nil
		}
	}
	return nil, invalid("Query condition missed key schema element: " + t.pk)
}

// page reads one page of a partition.
func (s *Server) page(in *queryInput, t *table, part *partition, holds test) queryOutput {
	order := slices.Clone(part.sorted)
	back := in.ScanIndexForward != nil && !*in.ScanIndexForward
	if back {
		slices.Reverse(order)
	}
	out, bytes := queryOutput{Items: []item{}}, 0
	after := in.ExclusiveStartKey[t.sk].text
	for _, sk := range order {
		row := part.rows[sk]
		if after != "" && (!back && sk <= after || back && sk >= after) || !holds(row) {
			continue
		}
		if n := len(out.Items); n > 0 && (bytes >= maxPage || in.Limit != nil && n == *in.Limit) {
			last := out.Items[n-1]
			out.LastEvaluatedKey = item{t.pk: last[t.pk], t.sk: last[t.sk]}
			break
		}
		bytes += row.size()
		out.Items = append(out.Items, row)
	}
	out.Count, out.ScannedCount = len(out.Items), len(out.Items)
	units := readUnits(bytes, in.ConsistentRead)
	s.spent.Reads += units
	out.ConsumedCapacity = report(in.ReturnConsumedCapacity, t.name, units)
	return out
}
