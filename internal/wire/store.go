package wire

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	ledgermemory "gitlab.com/nines-sre/nines/internal/ledger/memory"
	ledgersqlite "gitlab.com/nines-sre/nines/internal/ledger/sqlite"
	"gitlab.com/nines-sre/nines/internal/sqlitedb"
	memory "gitlab.com/nines-sre/nines/internal/timeline/memory"
	"gitlab.com/nines-sre/nines/internal/timeline/sqlite"
)

// OpenStore opens history and ledger of a URL: "sqlite:PATH", "dynamodb:TABLE" or
// "memory:". A file that is not there yet reads as an empty store, and writing
// makes it; a table must be there.
func OpenStore(ctx context.Context, address string, access host.Access) (host.Stores, error) {
	scheme, rest, _ := strings.Cut(address, ":")
	switch scheme {
	case "memory":
		return inMemory(), nil
	case "sqlite":
		return inFile(ctx, rest, access)
	case "dynamodb":
		return inTable(ctx, rest, access)
	}
	return host.Stores{}, fault.New(fault.Invalid, "--store "+address, "there is no such kind of store", "write sqlite:PATH or dynamodb:TABLE, or none to keep nothing")
}

func inMemory() host.Stores {
	return host.Stores{Timeline: memory.New(), Ledger: ledgermemory.New(), Close: func() error { return nil }}
}

func inFile(ctx context.Context, rest string, access host.Access) (host.Stores, error) {
	path, params, _ := strings.Cut(rest, "?")
	opt, err := fileOptions(params)
	if err != nil {
		return host.Stores{}, err
	}
	if path == "" {
		return host.Stores{}, fault.New(fault.Invalid, "--store sqlite:", "a path is missing", "write sqlite:PATH")
	}
	opt.ReadOnly = access == host.ReadOnly
	db, err := sqlitedb.Open(ctx, path, opt)
	if access == host.ReadOnly && fault.KindOf(err) == fault.NotFound {
		return inMemory(), nil
	}
	if err != nil {
		return host.Stores{}, err
	}
	return host.Stores{Timeline: sqlite.New(db), Ledger: ledgersqlite.New(db), Kept: true, Close: db.Close}, nil
}

// fileOptions reads what may stand behind the path: busy, how long to wait for
// another process ("200ms"), and max_bytes, a size the file will not outgrow.
func fileOptions(params string) (sqlitedb.Options, error) {
	var opt sqlitedb.Options
	values, err := url.ParseQuery(params)
	if err != nil {
		return opt, fault.Wrap(fault.Invalid, "--store sqlite:...?"+params, err, "")
	}
	for name, v := range values {
		switch name {
		case "busy":
			opt.Busy, err = time.ParseDuration(v[0])
		case "max_bytes":
			opt.MaxBytes, err = strconv.ParseInt(v[0], 10, 64)
		default:
			err = fault.New(fault.Invalid, name, "sqlite has no such parameter", "it has busy and max_bytes")
		}
		if err != nil {
			return opt, fault.Wrap(fault.Invalid, "--store sqlite:...?"+params, err, "")
		}
	}
	return opt, nil
}
