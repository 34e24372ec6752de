package dynamodbd

type conditional struct {
	TableName                           string
	ConditionExpression                 string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           map[string]value
	ReturnValuesOnConditionCheckFailure string
	ReturnConsumedCapacity              string
}

type putInput struct {
	conditional
	Item item
}

type deleteInput struct {
	conditional
	Key item
}

// write is one conditional put or delete, checked and not yet done.
type write struct {
	t      *table
	pk, sk string
	before item
	after  item // nil: delete
	holds  bool
	units  float64
	back   bool // the row is wanted back if the condition fails
}

// prepare checks a write and evaluates its condition.
func (s *Server) prepare(c *conditional, row item, remove bool) (write, *failure) {
	t, fail := s.table(c.TableName)
	if fail != nil {
		return write{}, fail
	}
	holds, fail := condition(c.ConditionExpression, c.ExpressionAttributeNames, c.ExpressionAttributeValues)
	if fail != nil {
		return write{}, fail
	}
	w := write{t: t, back: c.ReturnValuesOnConditionCheckFailure == "ALL_OLD"}
	if w.pk, w.sk, fail = t.keyOf(row, remove); fail != nil {
		return write{}, fail
	}
	if !remove {
		w.after = row
		if row.size() > maxItem {
			return write{}, invalid("Item size has exceeded the maximum allowed size")
		}
		if !row.validText() {
			return write{}, invalid("a string is not UTF-8")
		}
	}
	w.before = t.find(w.pk, w.sk)
	w.holds = holds(w.before)
	w.units = writeUnits(w.before, w.after)
	return w, nil
}

func (w *write) apply() { w.t.set(w.pk, w.sk, w.after) }

func (s *Server) putItem(in *putInput) (any, *failure) {
	return s.single(&in.conditional, in.Item, false)
}

func (s *Server) deleteItem(in *deleteInput) (any, *failure) {
	return s.single(&in.conditional, in.Key, true)
}

func (s *Server) single(c *conditional, row item, remove bool) (any, *failure) {
	w, fail := s.prepare(c, row, remove)
	if fail != nil {
		return nil, fail
	}
	s.spent.Writes += w.units
	if !w.holds {
		fail := &failure{code: "ConditionalCheckFailedException", message: "The conditional request failed"}
		if w.back && w.before != nil {
			fail.fields = map[string]any{"Item": w.before}
		}
		return nil, fail
	}
	w.apply()
	return struct {
		ConsumedCapacity *consumed `json:",omitempty"`
	}{report(c.ReturnConsumedCapacity, w.t.name, w.units)}, nil
}

type getInput struct {
	TableName              string
	Key                    item
	ConsistentRead         bool
	ReturnConsumedCapacity string
}

func (s *Server) getItem(in *getInput) (any, *failure) {
	t, fail := s.table(in.TableName)
	if fail != nil {
		return nil, fail
	}
	pk, sk, fail := t.keyOf(in.Key, true)
	if fail != nil {
		return nil, fail
	}
	row := t.find(pk, sk)
	units := readUnits(row.size(), in.ConsistentRead)
	s.spent.Reads += units
	return struct {
		Item             item      `json:",omitempty"`
		ConsumedCapacity *consumed `json:",omitempty"`
	}{row, report(in.ReturnConsumedCapacity, t.name, units)}, nil
}

type batchKeys struct {
	Keys           []item
	ConsistentRead bool `json:",omitempty"`
}

type batchGetInput struct {
	RequestItems           map[string]*batchKeys
	ReturnConsumedCapacity string
}

type batchGetOutput struct {
	Responses        map[string][]item
	UnprocessedKeys  map[string]*batchKeys
	ConsumedCapacity []*consumed `json:",omitempty"`
}

const (
	maxBatchKeys  = 100
	maxBatchBytes = 16 << 20
)

// batch is a BatchGetItem at work: its answer so far, and what went into it.
type batch struct {
	out         batchGetOutput
	keys, bytes int
}

func (s *Server) batchGetItem(in *batchGetInput) (any, *failure) {
	b := batch{out: batchGetOutput{Responses: map[string][]item{}, UnprocessedKeys: map[string]*batchKeys{}}}
	for name, req := range in.RequestItems {
		t, fail := s.table(name)
		if fail != nil {
			return nil, fail
		}
		units, fail := b.read(t, req)
		if fail != nil {
			return nil, fail
		}
		s.spent.Reads += units
		if c := report(in.ReturnConsumedCapacity, name, units); c != nil {
			b.out.ConsumedCapacity = append(b.out.ConsumedCapacity, c)
		}
	}
	if b.keys == 0 {
		return nil, invalid("The requestItems parameter is required for BatchGetItem")
	}
	return b.out, nil
}

// read reads a table's keys, and returns the read units that took. Rows beyond
// what an answer holds are left for another.
func (b *batch) read(t *table, req *batchKeys) (units float64, fail *failure) {
	seen := map[[2]string]bool{}
	b.out.Responses[t.name] = []item{}
	for _, key := range req.Keys {
		pk, sk, fail := t.keyOf(key, true)
		if fail != nil {
			return 0, fail
		}
		if b.keys++; b.keys > maxBatchKeys {
			return 0, invalid("Too many items requested for the BatchGetItem call")
		}
		if seen[[2]string{pk, sk}] {
			return 0, invalid("Provided list of item keys contains duplicates")
		}
		seen[[2]string{pk, sk}] = true
		row := t.find(pk, sk)
		if b.bytes += row.size(); b.bytes > maxBatchBytes {
			b.leave(t.name, key, req.ConsistentRead)
			continue
		}
		units += readUnits(row.size(), req.ConsistentRead)
		if row != nil {
			b.out.Responses[t.name] = append(b.out.Responses[t.name], row)
		}
	}
	return units, nil
}

// leave hands a key back unread.
func (b *batch) leave(name string, key item, consistent bool) {
	left := b.out.UnprocessedKeys[name]
	if left == nil {
		left = &batchKeys{ConsistentRead: consistent}
		b.out.UnprocessedKeys[name] = left
	}
	left.Keys = append(left.Keys, key)
}
