package openslo

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// MaxProblems is how many problems of one file are reported; a file with more
// is wrong altogether.
const MaxProblems = 100

// Report collects problems.
type Report struct {
	Problems fault.Problems
	// Strict turns warnings into errors.
	Strict bool
}

// Errorf reports an error.
func (r *Report) Errorf(at fault.Place, rule, hint, format string, args ...any) {
	r.Problems = append(r.Problems, fault.Problem{Place: at, Rule: rule, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

// Warnf reports a warning, an error where the report is strict.
func (r *Report) Warnf(at fault.Place, rule, hint, format string, args ...any) {
	sev := fault.SeverityWarning
	if r.Strict {
		sev = fault.SeverityError
	}
	r.Problems = append(r.Problems, fault.Problem{Place: at, Severity: sev, Rule: rule, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

// path is where in a document a value is, in words, built only for a message.
type path struct {
	up    *path
	key   string
	index int // of a list, where key is ""
}

func (p *path) String() string {
	if p == nil {
		return "document"
	}
	var parts []string
	for q := p; q != nil; q = q.up {
		if q.key == "" {
			parts = append(parts, "["+strconv.Itoa(q.index)+"]")
			continue
		}
		parts = append(parts, "."+q.key)
	}
	var b strings.Builder
	for _, part := range slices.Backward(parts) {
		b.WriteString(part)
	}
	return strings.TrimPrefix(b.String(), ".")
}

// Check reports everything in n that does not fit the shape.
func (s *Shape) Check(n *Node, r *Report) { s.check(n, nil, r) }

// CheckAt is Check for a value that stands at a named field, for messages.
func (s *Shape) CheckAt(n *Node, name string, r *Report) { s.check(n, &path{key: name}, r) }

func (s *Shape) check(n *Node, p *path, r *Report) {
	if n == nil {
		return
	}
	for _, alt := range s.Or {
		if alt.Type == n.Kind && s.Type != n.Kind {
			alt.check(n, p, r)
			return
		}
	}
	if s.Type != Null && n.Kind != s.Type && !s.loose(n, p, r) {
		r.Errorf(n.Place, "wrong-type", s.typeHint(n), "%s must be %s, not %s", p, s.wanted(), n.Kind)
		return
	}
	switch s.Type {
	case Map:
		s.mapping(n, p, r)
	case List:
		s.list(n, p, r)
	case String, Number:
		s.scalar(n, p, r)
	case Null, Bool:
	}
}

// wanted names the types the shape accepts.
func (s *Shape) wanted() string {
	words := []string{s.Type.String()}
	for _, alt := range s.Or {
		words = append(words, alt.Type.String())
	}
	return strings.Join(words, " or ")
}

func (s *Shape) typeHint(n *Node) string {
	switch {
	case s.Type == String && (n.Kind == Number || n.Kind == Bool):
		return "quote it: " + strconv.Quote(n.Text)
	case s.Type == Number && n.Kind == String:
		return "write the number without quotes"
	case s.Type == List && n.Kind == Map:
		return `begin each entry with "- "`
	case n.Kind == Null:
		return "give a value, or leave the key out"
	}
	return ""
}

func (s *Shape) loose(n *Node, p *path, r *Report) bool {
	if !s.Loose || (n.Kind != Number && n.Kind != Bool) {
		return false
	}
	r.Warnf(n.Place, "wrong-type", "quote it: "+strconv.Quote(n.Text), "%s is read as a string", p)
	return true
}

func (s *Shape) list(n *Node, p *path, r *Report) {
	if len(n.Items) < s.Min {
		r.Errorf(n.Place, "empty-list", "", "%s needs at least %s", p, count(s.Min, "entry", "entries"))
	}
	if s.Max > 0 && len(n.Items) > s.Max {
		r.Errorf(n.Items[s.Max].Place, "too-many", "", "%s may have at most %s", p, count(s.Max, "entry", "entries"))
	}
	if s.Item == nil {
		return
	}
	for i, it := range n.Items {
		s.Item.check(it, &path{up: p, index: i}, r)
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "one " + one
	}
	return strconv.Itoa(n) + " " + many
}

func (s *Shape) scalar(n *Node, p *path, r *Report) {
	if len(s.Enum) > 0 {
		if slices.Contains(s.Enum, n.Text) {
			return
		}
		r.Errorf(n.Place, "unknown-value", DidYouMean(n.Text, s.Enum), "%s cannot be %s", p, strconv.Quote(short(n.Text)))
		return
	}
	if s.Format == nil {
		return
	}
	if msg, hint := s.Format.Check(n.Text); msg != "" {
		r.Errorf(n.Place, "invalid-"+s.Format.Name, hint, "%s %s", p, msg)
	}
}

// short cuts a text for a message.
func short(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "..."
	}
	return s
}

// mapping checks a mapping with known fields.
func (s *Shape) mapping(n *Node, p *path, r *Report) {
	if s.Values != nil {
		s.free(n, p, r)
		return
	}
	if s.Fields == nil {
		return
	}
	for i := range n.Pairs {
		pair := &n.Pairs[i]
		f := s.field(pair.Key)
		if f == nil {
			r.Errorf(pair.Place, "unknown-field", DidYouMean(pair.Key, s.names()), "%s has no field %s", p, strconv.Quote(short(pair.Key)))
			continue
		}
		if pair.Value.Kind == Null && f.Shape.Type != Null {
			if !f.Required {
				r.Warnf(pair.Place, "empty-field", "give it a value, or leave the key out", "%s.%s is empty", p, pair.Key)
			}
			continue
		}
		f.Shape.check(pair.Value, &path{up: p, key: pair.Key}, r)
	}
	s.missing(n, p, r)
	s.groups(n, p, r)
}

// free checks a mapping whose keys are the writer's own.
func (s *Shape) free(n *Node, p *path, r *Report) {
	for i := range n.Pairs {
		pair := &n.Pairs[i]
		if s.Key != nil {
			if msg, hint := s.Key.Check(pair.Key); msg != "" {
				r.Errorf(pair.Place, "invalid-"+s.Key.Name, hint, "the key %s of %s %s", strconv.Quote(short(pair.Key)), p, msg)
			}
		}
		s.Values.check(pair.Value, &path{up: p, key: pair.Key}, r)
	}
}

// missing reports the fields that should be there.
func (s *Shape) missing(n *Node, p *path, r *Report) {
	for i := range s.Fields {
		f := &s.Fields[i]
		switch {
		case n.Get(f.Name).IsSet():
		case f.Required:
			r.Errorf(n.Place, "missing-field", "", "%s needs the field %q", p, f.Name)
		case f.Advised != "":
			r.Warnf(n.Place, "missing-field", f.Advised, "%s has no %q", p, f.Name)
		}
	}
}

// groups reports fields that exclude each other, and groups of which none is
// there.
func (s *Shape) groups(n *Node, p *path, r *Report) {
	for _, g := range s.Groups {
		var have []string
		for _, f := range g.Fields {
			if n.Get(f).IsSet() {
				have = append(have, f)
			}
		}
		switch {
		case len(have) > 1:
			r.Errorf(n.KeyPlace(have[1]), "exclusive-fields", g.Hint, "%s has %s; only one of them may stand", p, strings.Join(have, " and "))
		case len(have) == 0 && g.Required:
			r.Errorf(n.Place, "missing-field", g.Hint, "%s needs one of %s", p, strings.Join(g.Fields, ", "))
		}
	}
}
