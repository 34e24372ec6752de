package config

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// Options steer Load.
type Options struct {
	// Types are the kinds of metric source the program carries; specs of other
	// types are errors. A nil map checks no types and no specs.
	Types map[string]metric.Type
	// Strict refuses what is a warning otherwise.
	Strict bool
}

// File is a file of documents in memory. Name is what messages call it; its
// folder is where relative paths in its documents begin.
type File struct {
	Name string
	Data []byte
}

// Load reads documents from files and folders (recursively, *.yaml, *.yml and
// *.json, hidden files and folders left out) and resolves them together. It
// returns every problem found, warnings included, in the order of their places;
// the catalog holds what could be understood and must not be used when
// Problems.Err is not nil. The error is for paths that could not be read at
// all.
//
// In a folder, files that hold no document of openslo/ or nines/ are passed
// over: other programs keep YAML there too. A file that is named is always
// read, and what it holds must be ours.
func Load(ctx context.Context, paths []string, opt Options) (*Catalog, fault.Problems, error) {
	found, err := find(ctx, paths)
	if err != nil {
		return &Catalog{}, nil, err
	}
	l := newLoader(opt)
	for _, f := range found {
		if err := ctx.Err(); err != nil {
			return &Catalog{}, nil, fault.Wrap(fault.Canceled, "read documents", err, "")
		}
		data, problem, err := f.read()
		switch {
		case err != nil:
			return &Catalog{}, nil, err
		case problem != nil:
			l.report.Problems = append(l.report.Problems, *problem)
		default:
			l.file(File{f.name, data}, f.named)
		}
	}
	if l.count == 0 && len(l.report.Problems) == 0 {
		l.report.Errorf(fault.Place{File: strings.Join(paths, ", ")}, "no-documents",
			"write one, or name the folder that holds them", "no document of openslo/v1 or nines/v1 here")
	}
	return l.finish(), l.report.Problems.Sorted(), nil
}

// Parse is Load for files in memory; every document in them must be ours.
func Parse(files []File, opt Options) (*Catalog, fault.Problems) {
	l := newLoader(opt)
	for _, f := range files {
		l.file(f, true)
	}
	return l.finish(), l.report.Problems.Sorted()
}

// Sift is Parse for files that were met in a folder somewhere else: those that
// hold no document of ours are passed over, as Load does.
func Sift(files []File, opt Options) (*Catalog, fault.Problems) {
	l := newLoader(opt)
	for _, f := range files {
		l.file(f, false)
	}
	if l.count == 0 && len(l.report.Problems) == 0 {
		l.report.Errorf(fault.Place{}, "no-documents", "write one, or name the folder that holds them", "no document of openslo/v1 or nines/v1 here")
	}
	return l.finish(), l.report.Problems.Sorted()
}

// found is a file to read.
type found struct {
	name  string
	named bool // by the caller, not met in a folder
}

// find lists the files under the paths, each once, in the order of the paths
// and, inside a folder, of their names.
func find(ctx context.Context, paths []string) ([]found, error) {
	var out []found
	seen := map[string]bool{}
	add := func(name string, named bool) {
		if clean := filepath.Clean(name); !seen[clean] {
			seen[clean] = true
			out = append(out, found{name, named})
		}
	}
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, unreadable(p, err)
		}
		if !info.IsDir() {
			add(p, true)
			continue
		}
		if err := walk(ctx, p, func(name string) { add(name, false) }); err != nil {
			return nil, fault.Wrap(fault.Canceled, "read documents in "+p, err, "")
		}
	}
	return out, nil
}

// walk calls visit with every document file under a folder.
func walk(ctx context.Context, root string, visit func(name string)) error {
	return filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return unreadable(name, err)
		}
		hidden := strings.HasPrefix(e.Name(), ".") && name != root
		switch {
		case hidden && e.IsDir():
			return filepath.SkipDir
		case !hidden && !e.IsDir() && documentName(name):
			visit(name)
		}
		return ctx.Err()
	})
}

func documentName(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(name)))
}

// read returns a file's bytes, or the problem that it is too large, which is
// found without reading it.
func (f found) read() ([]byte, *fault.Problem, error) {
	in, err := os.Open(f.name)
	if err != nil {
		return nil, nil, unreadable(f.name, err)
	}
	defer in.Close() //nolint:errcheck // nothing was written
	info, err := in.Stat()
	if err != nil {
		return nil, nil, unreadable(f.name, err)
	}
	if info.IsDir() {
		return nil, nil, nil
	}
	large := &fault.Problem{
		Place: fault.Place{File: f.name}, Rule: "too-large", Hint: "split the file; no document is that long",
		Message: fmt.Sprintf("larger than %d MiB", openslo.MaxBytes>>20),
	}
	if info.Size() > openslo.MaxBytes {
		return nil, large, nil
	}
	// A device or a pipe has no size to go by.
	data, err := io.ReadAll(io.LimitReader(in, openslo.MaxBytes+1))
	if err != nil {
		return nil, nil, unreadable(f.name, err)
	}
	if len(data) > openslo.MaxBytes {
		return nil, large, nil
	}
	return data, nil, nil
}

func unreadable(name string, err error) error {
	kind, hint := fault.Unavailable, ""
	switch {
	case os.IsNotExist(err):
		kind, hint = fault.NotFound, "name a file or a folder with documents"
	case os.IsPermission(err):
		kind, hint = fault.Denied, "give this user leave to read it"
	}
	return fault.Wrap(kind, "read "+name, err, hint)
}
