package protocol

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Args are the members of a request, or of a structure inside it. Members that
// are absent read as nil. The first member of a wrong type is remembered; Err
// returns it, so that callers read everything and ask once.
type Args struct {
	members map[string]any
	path    string
	state   *state
}

type state struct {
	forms bool // values come as text
	err   *Error
}

// Err returns the first member that had the wrong type.
func (a Args) Err() *Error { return a.state.err }

// Path names a member as AWS's messages do: MetricData.member.1.Value.
func (a Args) Path(name string) string { return a.path + name }

func (a Args) wrong(name, want string, got any) {
	if a.state.err == nil {
		a.state.err = malformed(fmt.Sprintf("%s must be %s, not %T", a.Path(name), want, got))
	}
}

func (a Args) member(name string) (any, bool) {
	v, ok := a.members[name]
	return v, ok && v != nil
}

// Text reads a string.
func (a Args) Text(name string) *string {
	v, ok := a.member(name)
	if !ok {
		return nil
	}
	s, ok := v.(string)
	if !ok {
		a.wrong(name, "a text", v)
		return nil
	}
	return &s
}

// Number reads a number.
func (a Args) Number(name string) *float64 {
	v, ok := a.member(name)
	if !ok {
		return nil
	}
	f, ok := a.number(v)
	if !ok {
		a.wrong(name, "a number", v)
		return nil
	}
	return &f
}

// number also takes the words that JSON and forms write for special values.
func (a Args) number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case float32:
		return float64(v), true
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	case string:
		if f, err := strconv.ParseFloat(v, 64); err == nil && (a.state.forms || math.IsNaN(f) || math.IsInf(f, 0)) {
			return f, true
		}
	}
	return 0, false
}

// Whole reads a whole number.
func (a Args) Whole(name string) *int64 {
	f := a.Number(name)
	if f == nil {
		return nil
	}
	if *f != math.Trunc(*f) || math.Abs(*f) > 1<<53 {
		a.wrong(name, "a whole number", *f)
		return nil
	}
	n := int64(*f)
	return &n
}

// Flag reads a boolean.
func (a Args) Flag(name string) *bool {
	v, ok := a.member(name)
	if !ok {
		return nil
	}
	switch v := v.(type) {
	case bool:
		return &v
	case string:
		if b, err := strconv.ParseBool(v); err == nil && a.state.forms {
			return &b
		}
	}
	a.wrong(name, "true or false", v)
	return nil
}

// Time reads an instant: Unix seconds, or text as ISO 8601.
func (a Args) Time(name string) *time.Time {
	v, ok := a.member(name)
	if !ok {
		return nil
	}
	if t, ok := v.(time.Time); ok {
		return &t
	}
	if s, ok := v.(string); ok {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04Z", "2006-01-02"} {
			if t, err := time.Parse(layout, s); err == nil {
				return &t
			}
		}
	}
	if f, ok := a.number(v); ok && math.Abs(f) < 1e12 {
		whole, part := math.Modf(f)
		t := time.Unix(int64(whole), int64(math.Round(part*1000))*int64(time.Millisecond)).UTC()
		return &t
	}
	a.wrong(name, "an instant", v)
	return nil
}

// Sub reads a structure; ok is false where it is absent.
func (a Args) Sub(name string) (sub Args, ok bool) {
	v, ok := a.member(name)
	if !ok {
		return Args{state: a.state}, false
	}
	m, isMap := v.(map[string]any)
	if !isMap {
		a.wrong(name, "a structure", v)
		return Args{state: a.state}, false
	}
	return Args{members: m, path: a.Path(name) + ".", state: a.state}, true
}

// list returns the elements of a list. A form writes an empty one as an empty
// text.
func (a Args) list(name string) []any {
	v, ok := a.member(name)
	if !ok {
		return nil
	}
	if s, isText := v.(string); isText && s == "" && a.state.forms {
		return nil
	}
	l, ok := v.([]any)
	if !ok {
		a.wrong(name, "a list", v)
	}
	return l
}

func element(name string, i int) string {
	return name + ".member." + strconv.Itoa(i+1)
}

// Subs reads a list of structures.
func (a Args) Subs(name string) []Args {
	list := a.list(name)
	out := make([]Args, 0, len(list))
	for i, v := range list {
		m, ok := v.(map[string]any)
		if !ok {
			a.wrong(element(name, i), "a structure", v)
			return nil
		}
		out = append(out, Args{members: m, path: a.Path(element(name, i)) + ".", state: a.state})
	}
	return out
}

// Numbers reads a list of numbers.
func (a Args) Numbers(name string) []float64 {
	list := a.list(name)
	out := make([]float64, 0, len(list))
	for i, v := range list {
		f, ok := a.number(v)
		if !ok {
			a.wrong(element(name, i), "a number", v)
			return nil
		}
		out = append(out, f)
	}
	return out
}

// Texts reads a list of strings.
func (a Args) Texts(name string) []string {
	list := a.list(name)
	out := make([]string, 0, len(list))
	for i, v := range list {
		s, ok := v.(string)
		if !ok {
			a.wrong(element(name, i), "a text", v)
			return nil
		}
		out = append(out, s)
	}
	return out
}
