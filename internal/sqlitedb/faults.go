package sqlitedb

import (
	"context"
	"errors"

	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"gitlab.com/nines-sre/nines/internal/fault"
)

const (
	hintCorrupt = "restore a copy of the file, or move it away and run nines measure again: " +
		"history is measured anew, recorded decisions are only in a copy"
	hintLocked = "another process is writing to the store; try again when it is done"
	hintDenied = "give this user leave to write the file and its folder, or name another file with --store"
	hintFull   = "make room, or name a file on another disk with --store; nothing was written half"
)

// translate classifies an error of SQLite. An error that is classified already
// keeps its kind.
func translate(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if ctx.Err() != nil {
		return fault.Wrap(fault.Canceled, op, ctx.Err(), "")
	}
	se, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return fault.Wrap(fault.KindOf(err), op, err, "")
	}
	kind, hint := kindOf(se.Code())
	return fault.Wrap(kind, op, err, hint)
}

// kindOf reads SQLite's result code; its low byte is the class.
func kindOf(code int) (fault.Kind, string) {
	switch code & 0xff {
	case codes.SQLITE_BUSY, codes.SQLITE_LOCKED, codes.SQLITE_PROTOCOL:
		return fault.Unavailable, hintLocked
	case codes.SQLITE_READONLY, codes.SQLITE_PERM, codes.SQLITE_AUTH, codes.SQLITE_CANTOPEN:
		return fault.Denied, hintDenied
	case codes.SQLITE_FULL, codes.SQLITE_TOOBIG:
		return fault.Full, hintFull
	case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
		return fault.Corrupt, hintCorrupt
	case codes.SQLITE_IOERR:
		if code == codes.SQLITE_IOERR_SHORT_READ {
			return fault.Corrupt, hintCorrupt
		}
		return fault.Unavailable, "the disk reports an error; check it and the system's log"
	case codes.SQLITE_INTERRUPT:
		return fault.Canceled, ""
	}
	return fault.Internal, ""
}
