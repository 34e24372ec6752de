// Package memory keeps documents in memory: the double of the other sources.
package memory

import (
	"context"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// Source is a folder in memory. It implements config.Source.
type Source struct {
	address string
	mu      sync.Mutex
	files   map[string]file // by name below the address
	writes  int
	reads   int
}

type file struct {
	data    []byte
	version string
}

var _ config.Source = (*Source)(nil)

// New returns an empty folder that calls itself by an address.
func New(address string) *Source { return &Source{address: address, files: map[string]file{}} }

// Put writes a file; the name is relative to the address.
func (s *Source) Put(name string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	s.files[name] = file{slices.Clone(data), strconv.Itoa(s.writes)}
}

// Delete removes a file.
func (s *Source) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, name)
}

// Reads is how many files were read so far.
func (s *Source) Reads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

// List implements config.Source.
func (s *Source) List(ctx context.Context) ([]config.Item, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, "list "+s.address, err, "")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []config.Item
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		if config.DocumentPath(name) {
			out = append(out, config.Item{Name: s.address + "/" + name, Version: s.files[name].version})
		}
	}
	return out, nil
}

// Read implements config.Source.
func (s *Source) Read(ctx context.Context, item config.Item) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, "read "+item.Name, err, "")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	f, ok := s.files[strings.TrimPrefix(path.Clean(item.Name), path.Clean(s.address)+"/")]
	if !ok || f.version != item.Version {
		return nil, fault.New(fault.Conflict, "read "+item.Name, "it changed while it was read", "run it again")
	}
	return slices.Clone(f.data), nil
}
