package dynamo

import (
	"context"
	"fmt"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// schemaVersion is what this program writes into a table's mark. It counts the
// layout of rows; what lies in a row of history carries a version of its own.
const schemaVersion = 1

// Migration brings a table from one schema version to the next. It must be
// harmless to run twice: a process may die after it and before the table is
// marked.
type Migration func(ctx context.Context, t *Table) error

// migrations lead from each schema version, beginning with 1, to the next.
func migrations() []Migration { return nil }

// mark is the row that says whose table it is.
func mark() Key { return Key{"nines", "schema"} }

// Schema returns the schema version a table is marked with; 0: it has no mark.
func (t *Table) Schema(ctx context.Context) (int, error) {
	r, err := t.schema(ctx)
	return int(Int(r.Attrs, "schema")), err
}

func (t *Table) schema(ctx context.Context) (Row, error) {
	r, _, err := t.Get(ctx, "open store dynamodb:"+t.name, mark())
	return r, err
}

// prepare makes sure that the table is of this schema, and brings an older one up
// to it. Several processes may try at once: the mark moves one step at a time,
// and only from where it was read.
func (t *Table) prepare(ctx context.Context) error {
	op := "open store dynamodb:" + t.name
	for range t.opt.Attempts {
		r, err := t.schema(ctx)
		if err != nil {
			return err
		}
		have := int(Int(r.Attrs, "schema"))
		switch {
		case have == t.opt.Schema:
			return nil
		case have > t.opt.Schema:
			return fault.New(fault.Unsupported, op,
				fmt.Sprintf("the table has schema version %d, this program knows %d", have, t.opt.Schema),
				"use the version of nines that wrote it, or a newer one")
		case t.opt.ReadOnly && r.Version == 0:
			return nil // nothing was ever written
		case t.opt.ReadOnly:
			return fault.New(fault.Unsupported, op,
				fmt.Sprintf("the table has schema version %d, and cannot be brought up to %d read-only", have, t.opt.Schema),
				"run nines measure, or nines store create, once with leave to write")
		}
		next := t.opt.Schema
		if r.Version != 0 {
			if have < 1 || have > len(t.opt.Migrations) {
				return fault.New(fault.Unsupported, op, fmt.Sprintf("there is no way from schema version %d to %d", have, next),
					"use the version of nines that wrote it")
			}
			if err := t.opt.Migrations[have-1](ctx, t); err != nil {
				return translate(ctx, op, err)
			}
			next = have + 1
		}
		err = t.Write(ctx, op, []Change{{Key: mark(), Version: r.Version, Attrs: Attrs{"schema": number(int64(next))}}})
		if err != nil && fault.KindOf(err) != fault.Conflict {
			return err
		}
	}
	return fault.New(fault.Conflict, op, "others keep changing the table's schema", "try again")
}
