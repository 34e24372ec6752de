package config

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// Source is a place that keeps documents and is not a folder: a bucket, a
// parameter store, a repository. Errors are of package fault. It is safe for
// concurrent use. Implementations pass the suite in configtest.
type Source interface {
	// List names what is kept, in the order of the names. What cannot be a
	// document by its name is left out, hidden files too. A place that does not
	// exist is an error of kind NotFound; one that is empty is not an error.
	List(ctx context.Context) ([]Item, error)
	// Read returns the bytes of an item of the last List, in that version. When
	// it was changed or removed since, the error is of kind Conflict: the caller
	// lists again, so that a set of documents is never half of one state and half
	// of another.
	Read(ctx context.Context, item Item) ([]byte, error)
}

// Item is a file of documents that a Source keeps.
type Item struct {
	// Name is what messages call it, as "s3://bucket/slo/pay.yaml".
	Name string
	// Version differs whenever the bytes do: an ETag, a number, a commit.
	Version string
	// Named says that the address names this very item; what it holds must then
	// be ours.
	Named bool
}

// Opener opens the Source of an address. It asks nobody yet.
type Opener func(ctx context.Context, address string) (Source, error)

// Scheme returns the scheme of an address, "" for a path of this machine. An
// address begins with a word and "://", or with one of the schemes known and
// ":".
func Scheme(address string, known map[string]Opener) string {
	scheme, rest, ok := strings.Cut(address, ":")
	if !ok || len(scheme) < 2 { // a letter is a drive
		return ""
	}
	if _, is := known[scheme]; is || strings.HasPrefix(rest, "//") {
		return scheme
	}
	return ""
}

// maxFiles is how many files one call reads: ten times the largest company.
const maxFiles = 10_000

// written is a file as it was read.
type written struct {
	name    string
	version string
	data    []byte
	named   bool // by the caller, not met in a folder
	problem *fault.Problem
}

// gather reads the files under the paths and addresses, each once, in the order
// of the paths and, inside one, of their names.
func gather(ctx context.Context, paths []string, opt Options) ([]written, error) {
	g := &gatherer{opt: opt, seen: map[string]bool{}}
	for _, p := range paths {
		var err error
		if scheme := Scheme(p, opt.Sources); scheme != "" {
			err = g.remote(ctx, scheme, p)
		} else {
			err = g.local(ctx, p)
		}
		if err != nil {
			return nil, err
		}
		if len(g.out) > maxFiles {
			return nil, fault.New(fault.Invalid, "read documents in "+p, fmt.Sprintf("more than %d files", maxFiles), "name the folder that holds the documents")
		}
	}
	return g.out, nil
}

// Gather reads the files under paths and addresses that could hold documents of
// ours, as Load does, and leaves understanding them to the caller.
func Gather(ctx context.Context, paths []string, opt Options) ([]File, error) {
	texts, err := gather(ctx, paths, opt)
	if err != nil {
		return nil, err
	}
	var out []File
	for _, t := range texts {
		if t.problem == nil && (t.named || maybeOurs(t.data)) {
			out = append(out, File{t.name, t.data})
		}
	}
	return out, nil
}

type gatherer struct {
	opt  Options
	seen map[string]bool
	out  []written
}

func (g *gatherer) local(ctx context.Context, path string) error {
	names, named, err := localFiles(ctx, path)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return fault.Wrap(fault.Canceled, "read documents", err, "")
		}
		clean := filepath.Clean(name)
		if g.seen[clean] {
			continue
		}
		g.seen[clean] = true
		data, problem, err := readFile(name)
		if err != nil {
			return err
		}
		if data == nil && problem == nil { // a folder called like a file
			continue
		}
		t := written{name: name, data: data, named: named, problem: problem}
		if g.opt.Cache != nil {
			sum := sha256.Sum256(data)
			t.version = hex.EncodeToString(sum[:])
		}
		g.out = append(g.out, t)
	}
	return nil
}

// attempts is how often a source is read again that changes while it is read.
const attempts = 3

// remote reads an address: all of one state of it.
func (g *gatherer) remote(ctx context.Context, scheme, address string) (err error) {
	src, err := g.opt.Cache.open(ctx, scheme, address, g.opt.Sources)
	if err != nil {
		return err
	}
	for range attempts {
		var got []written
		if got, err = g.state(ctx, src, address); err == nil {
			for _, t := range got {
				g.seen[t.name] = true
			}
			g.out = append(g.out, got...)
			return nil
		}
		if fault.KindOf(err) != fault.Conflict {
			return err
		}
	}
	return err
}

func (g *gatherer) state(ctx context.Context, src Source, address string) ([]written, error) {
	items, err := src.List(ctx)
	if err != nil {
		return nil, err
	}
	if len(items) > maxFiles {
		return nil, fault.New(fault.Invalid, "read documents in "+address, fmt.Sprintf("more than %d files", maxFiles), "name the folder that holds the documents")
	}
	var out []written
	for _, item := range items {
		if g.seen[item.Name] {
			continue
		}
		data, ok := g.opt.Cache.bytes(item)
		if !ok {
			if data, err = src.Read(ctx, item); err != nil {
				return nil, err
			}
		}
		t := written{name: item.Name, version: item.Version, data: data, named: item.Named}
		if len(data) > openslo.MaxBytes {
			t.data, t.problem = nil, tooLarge(item.Name)
		}
		out = append(out, t)
	}
	return out, nil
}

// DocumentPath says whether a path below a source's address can hold
// documents: it ends as documents do and no part of it is hidden.
func DocumentPath(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if strings.HasPrefix(part, ".") {
			return false
		}
	}
	return documentName(path)
}
