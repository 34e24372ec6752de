package config

import (
	"context"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
)

// Options steer Load.
type Options struct {
	// Types are the kinds of metric source the program carries; specs of other
	// types are errors. A nil map checks no types and no specs.
	Types map[string]metric.Type
	// Strict refuses what is a warning otherwise.
	Strict bool
	// Sources open addresses that are not paths, by scheme: "s3", "ssm".
	Sources map[string]Opener
	// Cache spares a process that loads again and again what has not changed; nil:
	// everything is read and understood anew.
	Cache *Cache
}

// File is a file of documents in memory. Name is what messages call it; its
// folder is where relative paths in its documents begin.
type File struct {
	Name string
	Data []byte
}

// Load reads documents from files, folders (recursively, *.yaml, *.yml and
// *.json, hidden files and folders left out) and the addresses of
// Options.Sources, and resolves them together. It
// returns every problem found, warnings included, in the order of their places;
// the catalog holds what could be understood and must not be used when
// Problems.Err is not nil. The error is for paths that could not be read at
// all.
//
// In a folder, files that hold no document of openslo/ or nines/ are passed
// over: other programs keep YAML there too. A file that is named is always
// read, and what it holds must be ours.
func Load(ctx context.Context, paths []string, opt Options) (*Catalog, fault.Problems, error) {
	texts, err := gather(ctx, paths, opt)
	if err != nil {
		return &Catalog{}, nil, err
	}
	key := fingerprint(paths, texts, opt)
	if cat, problems, ok := opt.Cache.same(key); ok {
		return cat, problems, nil
	}
	l := newLoader(opt)
	l.untiered = !slices.ContainsFunc(texts, func(t written) bool { return mayTier(t.data) })
	for _, t := range texts {
		if err := ctx.Err(); err != nil {
			return &Catalog{}, nil, fault.Wrap(fault.Canceled, "read documents", err, "")
		}
		if t.problem != nil {
			l.report.Problems = append(l.report.Problems, *t.problem)
			continue
		}
		l.file(File{t.name, t.data}, t.named)
	}
	if l.count == 0 && len(l.report.Problems) == 0 {
		l.report.Errorf(fault.Place{File: strings.Join(paths, ", ")}, "no-documents",
			"write one, or name the folder that holds them", "no document of openslo/v1 or nines/v1 here")
	}
	cat, problems := l.finish(), l.report.Problems.Sorted()
	opt.Cache.keep(key, texts, cat, problems)
	return cat, problems, nil
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
