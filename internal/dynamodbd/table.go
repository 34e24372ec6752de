package dynamodbd

import (
	"slices"
	"time"
)

// table is one table: rows by partition, each partition in the order of its sort
// keys.
type table struct {
	name    string
	created time.Time
	pk, sk  string
	parts   map[string]*partition
	protect bool
	billing string
	ttl     string // attribute; "": off
	backups bool
	rows    int
	bytes   int
}

type partition struct {
	sorted []string
	rows   map[string]item
}

// find returns a row, nil if there is none.
func (t *table) find(pk, sk string) item {
	p := t.parts[pk]
	if p == nil {
		return nil
	}
	return p.rows[sk]
}

// set stores a row, nil to remove it.
func (t *table) set(pk, sk string, it item) {
	p := t.parts[pk]
	if p == nil {
		p = &partition{rows: map[string]item{}}
		t.parts[pk] = p
	}
	i, found := slices.BinarySearch(p.sorted, sk)
	if found {
		t.bytes -= p.rows[sk].size()
		t.rows--
	}
	if it == nil {
		if found {
			p.sorted = slices.Delete(p.sorted, i, i+1)
			delete(p.rows, sk)
		}
		return
	}
	if !found {
		p.sorted = slices.Insert(p.sorted, i, sk)
	}
	p.rows[sk] = it
	t.rows++
	t.bytes += it.size()
}

const (
	maxItem = 400 << 10
	maxPK   = 2048
	maxSK   = 1024
)

// keyOf reads the key of a row, which must be whole and in bounds; only says that
// nothing else may stand beside it.
func (t *table) keyOf(it item, only bool) (pk, sk string, fail *failure) {
	p, ok1 := it[t.pk]
	s, ok2 := it[t.sk]
	switch {
	case !ok1 || !ok2 || only && len(it) != 2:
		return "", "", invalid("The provided key element does not match the schema")
	case p.kind != 'S' || s.kind != 'S':
		return "", "", invalid("One or more parameter values were invalid: Type mismatch for key")
	case p.text == "" || s.text == "":
		return "", "", invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: " + t.pk)
	case len(p.text) > maxPK:
		return "", "", invalidf("One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of%d bytes", maxPK)
	case len(s.text) > maxSK:
		return "", "", invalidf("One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of %d bytes", maxSK)
	}
	return p.text, s.text, nil
}

// writeUnits is what writing costs: by the larger of the row before and after.
func writeUnits(before, after item) float64 {
	n := max(before.size(), after.size())
	return float64(max(1, (n+1023)/1024))
}

// readUnits is what reading a number of bytes costs.
func readUnits(bytes int, consistent bool) float64 {
	n := float64(max(1, (bytes+4095)/4096))
	if !consistent {
		n /= 2
	}
	return n
}

// consumed is what a request reports of its cost.
type consumed struct {
	TableName          string
	CapacityUnits      float64
	ReadCapacityUnits  *float64 `json:",omitempty"`
	WriteCapacityUnits *float64 `json:",omitempty"`
}

// report returns a request's cost if it was asked for.
func report(mode, table string, units float64) *consumed {
	if mode != "TOTAL" && mode != "INDEXES" {
		return nil
	}
	return &consumed{TableName: table, CapacityUnits: units}
}
