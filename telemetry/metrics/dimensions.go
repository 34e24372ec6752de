package metrics

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"gitlab.com/nines-sre/nines/telemetry/internal/jsonx"
)

type dimension struct{ name, value string }

func indexDimension(all []dimension, name string) int {
	return slices.IndexFunc(all, func(d dimension) bool { return d.name == name })
}

func dimensionName(name string) error {
	if f := text(name, maxDimName); f != "" {
		return fmt.Errorf("metrics: the dimension name %.60q %s", name, f)
	}
	if name == envelope || name == coldStart {
		return fmt.Errorf("metrics: the dimension name %q is taken by what this package writes; choose another", name)
	}
	return nil
}

func dimensionValue(d dimension) error {
	if f := text(d.value, maxDimValue); f != "" {
		return fmt.Errorf("metrics: the value %.60q of dimension %q %s", d.value, d.name, f)
	}
	return nil
}

// DimensionSet is a registered set of dimension names. Make it with
// [Registry.Dimensions]; bind it with [DimensionSet.Of] or [DimensionSet.Values].
type DimensionSet struct {
	reg    *Registry
	names  []string
	prefix []dimension // the defaults that the names do not replace
	bad    error

	mu    sync.RWMutex
	bound map[string]*binding
}

// maxBound is how many bound values a set remembers before it begins anew.
const maxBound = 1024

// Dimensions registers a set of dimensions by name; the default dimensions are in
// it too, in front, unless a name is one of theirs: then the value given counts.
// Without names it is the defaults alone.
//
// Names have 1 to 250 printable ASCII characters, and 30 is the most a set can
// have, defaults included. The set that comes with an error may be used: what is
// added with it is dropped and counted ([BadDimensions]).
func (r *Registry) Dimensions(names ...string) (*DimensionSet, error) {
	s := &DimensionSet{reg: r, names: clone(names)}
	for _, d := range r.defaults {
		if !slices.Contains(names, d.name) {
			s.prefix = append(s.prefix, d)
		}
	}
	return s, r.registerSet(s)
}

// DimensionsOnly is [Registry.Dimensions] without the defaults: for totals over
// all services. Without names it is the set of no dimensions, which CloudWatch
// knows too.
func (r *Registry) DimensionsOnly(names ...string) (*DimensionSet, error) {
	s := &DimensionSet{reg: r, names: clone(names)}
	return s, r.registerSet(s)
}

// MustDimensions is [Registry.Dimensions] for names that are written in the
// program: it panics where that returns an error.
func (r *Registry) MustDimensions(names ...string) *DimensionSet {
	s, err := r.Dimensions(names...)
	if err != nil {
		panic(err)
	}
	return s
}

func clone(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.Clone(n)
	}
	return out
}

func (r *Registry) registerSet(s *DimensionSet) error {
	s.bound = map[string]*binding{}
	s.bad = r.checkSet(s)
	return s.bad
}

func (r *Registry) checkSet(s *DimensionSet) error {
	if n := len(s.prefix) + len(s.names); n > maxDimensions {
		return fmt.Errorf("metrics: a dimension set of %d, %d default ones included; CloudWatch takes %d: leave some out or make them metadata", n, len(s.prefix), maxDimensions)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, name := range s.names {
		if err := dimensionName(name); err != nil {
			return err
		}
		if slices.Contains(s.names[:i], name) {
			return fmt.Errorf("metrics: the dimension %q stands twice in a set; name it once", name)
		}
		if r.names[name] != nil {
			return fmt.Errorf("metrics: %q is a metric already, and a document has one member of a name; choose another for the dimension", name)
		}
	}
	for _, name := range s.names {
		r.names[name] = nil
	}
	return nil
}

// Values binds values to the names, in their order. Values have 1 to 1024
// printable ASCII characters. The same values give the same handle, so that calls
// for each request cost no more than a look-up; handles may also be kept.
//
// The handle that comes with an error may be used: what is added with it is
// dropped and counted ([BadDimensions]), rather than recorded as something else.
func (s *DimensionSet) Values(values ...string) (Dimensions, error) {
	if b := s.find(values); b != nil {
		return Dimensions{b}, nil
	}
	return s.bind(values)
}

// Of is [DimensionSet.Values] where an error has no place to go: the drop is
// counted.
func (s *DimensionSet) Of(values ...string) Dimensions {
	if b := s.find(values); b != nil {
		return Dimensions{b}
	}
	d, _ := s.bind(values)
	return d
}

// find looks for a binding. The key is unambiguous: good values have no NUL.
func (s *DimensionSet) find(values []string) *binding {
	if s == nil || len(values) != len(s.names) {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(values) == 1 {
		return s.bound[values[0]]
	}
	var room [256]byte
	key := room[:0]
	for i, v := range values {
		if i > 0 {
			key = append(key, 0)
		}
		key = append(key, v...)
	}
	return s.bound[string(key)]
}

func (s *DimensionSet) bind(values []string) (Dimensions, error) {
	refused := Dimensions{&binding{}}
	switch {
	case s == nil:
		return refused, errors.New("metrics: a dimension set that is nil; make it with Registry.Dimensions")
	case s.bad != nil:
		return refused, s.bad
	case len(values) != len(s.names):
		return refused, fmt.Errorf("metrics: %d values for the dimensions %q; give one for each", len(values), s.names)
	}
	all := slices.Clone(s.prefix)
	for i, v := range values {
		d := dimension{s.names[i], strings.Clone(v)}
		if err := dimensionValue(d); err != nil {
			return refused, err
		}
		all = append(all, d)
	}
	b := newBinding(s.reg, [][]dimension{all})
	if err := b.size(); err != nil {
		return refused, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.Join(values, "\x00")
	if old := s.bound[key]; old != nil {
		return Dimensions{old}, nil
	}
	if len(s.bound) >= maxBound {
		clear(s.bound)
	}
	s.bound[strings.Clone(key)] = b
	return Dimensions{b}, nil
}

// Dimensions are bound dimensions: one set with its values, or several sets
// ([Registry.Sets]). The zero value is the default dimensions.
type Dimensions struct{ b *binding }

// Sets makes one of several: CloudWatch then keeps the metric once for each set,
// from one value. A name that stands in two sets must have the same value in both.
// Keep the handle; making it is not free.
func (r *Registry) Sets(sets ...Dimensions) (Dimensions, error) {
	refused := Dimensions{&binding{}}
	u := union{values: map[string]string{}}
	for _, d := range sets {
		b := d.b
		if b == nil {
			b = r.base
		}
		if b.reg != r {
			return refused, errors.New("metrics: dimensions that were refused, or are another registry's; bind them anew")
		}
		for _, set := range b.sets {
			if err := u.add(set); err != nil {
				return refused, err
			}
		}
	}
	if len(u.sets) == 0 {
		return Dimensions{}, nil
	}
	b := newBinding(r, u.sets)
	if err := b.size(); err != nil {
		return refused, err
	}
	return Dimensions{b}, nil
}

// union is sets that share one document.
type union struct {
	sets   [][]dimension
	values map[string]string
}

func (u *union) add(set []dimension) error {
	for _, d := range set {
		if v, ok := u.values[d.name]; ok && v != d.value {
			return fmt.Errorf("metrics: the dimension %q is %.60q in one set and %.60q in another; write two series", d.name, v, d.value)
		}
		u.values[d.name] = d.value
	}
	// CloudWatch would take the same set twice as two data.
	if !slices.ContainsFunc(u.sets, func(other []dimension) bool { return sameNames(other, set) }) {
		u.sets = append(u.sets, set)
	}
	return nil
}

func sameNames(a, b []dimension) bool {
	if len(a) != len(b) {
		return false
	}
	for _, d := range a {
		if indexDimension(b, d.name) < 0 {
			return false
		}
	}
	return true
}

// binding is dimensions with their values, encoded. One without a registry stands
// for those that were refused.
type binding struct {
	reg        *Registry
	sets       [][]dimension
	references []byte // `[["service","route"]]`
	members    []byte // `,"service":"pay","route":"/"`
}

func newBinding(r *Registry, sets [][]dimension) *binding {
	b := &binding{reg: r, sets: sets, references: []byte{'['}}
	written := map[string]bool{}
	for i, set := range sets {
		if i > 0 {
			b.references = append(b.references, ',')
		}
		b.references = append(b.references, '[')
		for j, d := range set {
			if j > 0 {
				b.references = append(b.references, ',')
			}
			b.references = jsonx.AppendString(b.references, d.name)
			if !written[d.name] {
				written[d.name] = true
				b.members = jsonx.AppendString(append(b.members, ','), d.name)
				b.members = jsonx.AppendString(append(b.members, ':'), d.value)
			}
		}
		b.references = append(b.references, ']')
	}
	b.references = append(b.references, ']')
	return b
}

// size refuses what would crowd the metrics out of a document.
func (b *binding) size() error {
	if n := len(b.references) + len(b.members); n > maxBinding {
		return fmt.Errorf("metrics: dimensions of %d bytes; a document has room for %d: shorten the values or use fewer sets", n, maxBinding)
	}
	return nil
}
