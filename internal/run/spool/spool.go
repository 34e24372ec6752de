// Package spool keeps entries in a folder while the ledger cannot be written:
// one file a draft, written beside its place and moved there, so that a kill
// leaves it whole or not at all. The draft's key keeps it from being recorded
// twice, whoever drains, however often.
package spool

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
)

// Dir is a folder of drafts. It is made when the first one is kept; the empty
// name keeps nothing.
type Dir string

const (
	suffix  = ".json"
	damaged = ".damaged"
)

// record is a draft as it lies in its file.
type record struct {
	At      time.Time       `json:"at"`
	Kind    ledger.Kind     `json:"kind"`
	Subject string          `json:"subject"`
	Actor   string          `json:"actor"`
	Body    json.RawMessage `json:"body"`
	Key     string          `json:"key"`
}

// Put keeps a draft and returns when it is on disk. Putting the same key and
// instant again changes nothing.
func (d Dir) Put(ctx context.Context, draft ledger.Draft) error {
	op := "spool " + string(d)
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, op, err, "")
	}
	if draft.Key == "" {
		return fault.New(fault.Internal, op, "a draft without a key could be recorded twice", "")
	}
	if d == "" {
		return fault.New(fault.Unavailable, "spool", "there is no folder for it", "")
	}
	var data bytes.Buffer
	enc := json.NewEncoder(&data)
	enc.SetEscapeHTML(false) // a body's bytes stay what they are
	if err := enc.Encode(record(draft)); err != nil {
		return fault.Wrap(fault.Internal, op, err, "")
	}
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return classify(op, err)
	}
	return classify(op, write(string(d), name(draft), data.Bytes()))
}

// name sorts by time and is the same for the same draft.
func name(draft ledger.Draft) string {
	sum := sha256.Sum256([]byte(draft.Key))
	return draft.At.UTC().Format("20060102T150405.000000000Z") + "-" + hex.EncodeToString(sum[:8]) + suffix
}

// write puts a file in its place whole or not at all, and both it and its name
// on disk.
func write(dir, name string, data []byte) (err error) {
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
		return err
	}
	folder, openErr := os.Open(dir) //nolint:gosec // the folder the host named
	if openErr != nil {
		return errors.Join(openErr, f.Close())
	}
	return errors.Join(f.Close(), folder.Sync(), folder.Close())
}

// Drain records what is kept, oldest first, and removes it. It stops at the
// first draft the ledger does not take: order is worth more than haste. A file
// that cannot be read is set aside under another name, and said.
func (d Dir) Drain(ctx context.Context, to ledger.Ledger) (n int, err error) {
	op := "drain spool " + string(d)
	files, err := os.ReadDir(string(d))
	if d == "" || errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, classify(op, err)
	}
	var aside []string
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), suffix) || !f.Type().IsRegular() {
			continue
		}
		path := filepath.Join(string(d), f.Name())
		draft, err := load(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // somebody else drained it
		case errors.Is(err, errDamaged):
			if err := os.Rename(path, path+damaged); err != nil {
				return n, classify(op, err)
			}
			aside = append(aside, f.Name()+damaged)
			continue
		case err != nil:
			return n, classify(op, err)
		}
		if _, err := to.Append(ctx, draft); err != nil {
			return n, fault.Wrap(fault.Internal, op, err, "")
		}
		n++
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return n, classify(op, err)
		}
	}
	if len(aside) > 0 {
		return n, fault.New(fault.Corrupt, op, "could not read "+strings.Join(slices.Sorted(slices.Values(aside)), ", "),
			"the files were set aside under these names; look into them")
	}
	return n, nil
}

var errDamaged = errors.New("damaged")

func load(path string) (ledger.Draft, error) {
	data, err := os.ReadFile(path) //nolint:gosec // a name of the spool's own folder
	if err != nil {
		return ledger.Draft{}, err
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return ledger.Draft{}, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if r.Key == "" || r.Kind == "" {
		return ledger.Draft{}, errDamaged
	}
	return ledger.Draft(r), nil
}

// classify names what the file system did.
func classify(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission):
		return fault.Wrap(fault.Denied, op, err, "let the program write to this folder")
	default:
		return fault.Wrap(fault.Unavailable, op, err, "")
	}
}
