package wire

import (
	"context"
	"strings"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/dynamo"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/sqlitedb"
)

func cut(rest string) (name, params string) {
	name, params, _ = strings.Cut(rest, "?")
	return name, params
}

// AdminStore returns what sets up the store of a URL.
func AdminStore(address string) (host.StoreAdmin, error) {
	scheme, rest, _ := strings.Cut(address, ":")
	switch scheme {
	case "sqlite":
		return adminFile(rest)
	case "dynamodb":
		return adminTable(rest)
	}
	return host.StoreAdmin{}, fault.New(fault.Invalid, "store "+address, "there is nothing to set up", "name sqlite:PATH or dynamodb:TABLE")
}

func adminFile(rest string) (host.StoreAdmin, error) {
	path, params := cut(rest)
	opt, err := fileOptions(params)
	if err != nil {
		return host.StoreAdmin{}, err
	}
	open := func(ctx context.Context, readOnly bool) error {
		opt.ReadOnly = readOnly
		db, err := sqlitedb.Open(ctx, path, opt)
		if err != nil {
			return err
		}
		return db.Close() //nolint:contextcheck // closing is not given up
	}
	return host.StoreAdmin{
		Create: func(ctx context.Context) (string, error) {
			return "the file is ready", open(ctx, false)
		},
		Check: func(ctx context.Context) ([]host.Finding, error) {
			if err := open(ctx, true); err != nil {
				return nil, err
			}
			return []host.Finding{{What: "file", OK: true, Text: "a store of this program's schema"}}, nil
		},
	}, nil
}

func adminTable(rest string) (host.StoreAdmin, error) {
	name, opt, err := tableOptions(rest)
	if err != nil {
		return host.StoreAdmin{}, err
	}
	return host.StoreAdmin{
		Create: func(ctx context.Context) (string, error) {
			table, err := dynamo.Connect(ctx, name, opt)
			if err != nil {
				return "", err
			}
			created, err := table.Create(ctx)
			if created {
				return "the table was made", err
			}
			return "the table was there already; its settings are as they should be", err
		},
		Template: func() string { return dynamo.Template(name) },
		Check: func(ctx context.Context) ([]host.Finding, error) {
			table, err := dynamo.Connect(ctx, name, opt)
			if err != nil {
				return nil, err
			}
			found, err := table.Check(ctx)
			out := make([]host.Finding, len(found))
			for i, f := range found {
				out[i] = host.Finding(f)
			}
			return out, err
		},
	}, nil
}
