package config

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Cache keeps what a process that loads documents again and again has read:
// open sources, files by name and version, and the catalog of the last load. A
// catalog it hands out is shared and must not be changed. The zero value is
// ready, nil keeps nothing; it is safe for concurrent use.
type Cache struct {
	mu       sync.Mutex
	sources  map[string]Source
	files    map[Item][]byte
	key      string
	catalog  *Catalog
	problems fault.Problems
}

// open returns the source of an address, the same as before if there is one.
func (c *Cache) open(ctx context.Context, scheme, address string, known map[string]Opener) (Source, error) {
	if c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if s := c.sources[address]; s != nil {
			return s, nil
		}
	}
	opener := known[scheme]
	if opener == nil {
		return nil, fault.New(fault.Invalid, "read documents in "+address, "documents cannot be read from "+scheme+" addresses",
			"check them out and name the folder")
	}
	s, err := opener(ctx, address)
	if err != nil {
		return nil, err
	}
	if c != nil {
		if c.sources == nil {
			c.sources = map[string]Source{}
		}
		c.sources[address] = s
	}
	return s, nil
}

// bytes returns a file that was read before in the same version.
func (c *Cache) bytes(item Item) ([]byte, bool) {
	if c == nil || item.Version == "" {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	data, ok := c.files[Item{Name: item.Name, Version: item.Version}]
	return data, ok
}

// same returns the catalog of the last load if its files are these.
func (c *Cache) same(key string) (*Catalog, fault.Problems, bool) {
	if c == nil {
		return nil, nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.catalog == nil || c.key != key {
		return nil, nil, false
	}
	return c.catalog, slices.Clone(c.problems), true
}

// keep remembers a load and forgets what no longer belongs to it.
func (c *Cache) keep(key string, texts []written, cat *Catalog, problems fault.Problems) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.key, c.catalog, c.problems = key, cat, slices.Clone(problems)
	c.files = map[Item][]byte{}
	for _, t := range texts {
		if t.version != "" && t.problem == nil {
			c.files[Item{Name: t.name, Version: t.version}] = t.data
		}
	}
}

// fingerprint names a set of files as they are.
func fingerprint(paths []string, texts []written, opt Options) string {
	if opt.Cache == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%q %t\n", paths, opt.Strict)
	for _, t := range texts {
		fmt.Fprintf(&b, "%q %q %t\n", t.name, t.version, t.named)
	}
	return b.String()
}
