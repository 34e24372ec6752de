package discover

import (
	"maps"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// Ref is the short name of a service: "lambda/payment-api",
// "apigateway/payment@prod". Kind is a preset's key, Name the value under it,
// Suffix what narrows it (a stage, an alias, a target group); "" is all of it.
type Ref struct{ Kind, Name, Suffix string }

// String prints the reference so that ParseRef reads the same. A name that has
// an @ of its own ends with one.
func (r Ref) String() string {
	s := r.Kind + "/" + r.Name
	if r.Suffix != "" || strings.Contains(r.Name, "@") && suffixParam(r.Kind) != nil {
		s += "@" + r.Suffix
	}
	return s
}

// Kinds are the kinds of service that can be found and measured, in order.
func Kinds() []string {
	var out []string
	for _, p := range config.Presets() {
		if p.Namespace != "" {
			out = append(out, p.Key)
		}
	}
	return out
}

// ParseRef reads a reference. An error is of kind Invalid and says what there
// is.
func ParseRef(text string) (Ref, error) {
	const hint = "write KIND/NAME, as in lambda/payment-api or apigateway/payment@prod; `nines discover` lists them"
	kind, name, ok := strings.Cut(text, "/")
	switch {
	case !ok || kind == "":
		return Ref{}, fault.New(fault.Invalid, quoted(text), "not the name of a service", hint)
	case kind == "csv":
		return Ref{}, fault.New(fault.Invalid, quoted(text), "a recorded file is not looked up", "`nines analyze FILE` says which objective it could have kept")
	case !slices.Contains(Kinds(), kind):
		return Ref{}, fault.New(fault.Invalid, quoted(text), "there is no kind of service called "+quoted(kind), didYouMean(kind)+"the kinds are "+strings.Join(Kinds(), ", "))
	}
	r := Ref{Kind: kind, Name: name}
	if suffixParam(kind) != nil {
		if i := strings.LastIndexByte(name, '@'); i >= 0 {
			r.Name, r.Suffix = name[:i], name[i+1:]
		}
	}
	if strings.TrimSpace(r.Name) == "" {
		return Ref{}, fault.New(fault.Invalid, quoted(text), "the name is empty", hint)
	}
	return r, nil
}

func didYouMean(kind string) string {
	if near := Near(kind, Kinds(), 1); len(near) > 0 {
		return "did you mean " + near[0] + "? "
	}
	return ""
}

// suffixParam is the word that a kind's suffix stands for; nil without one.
func suffixParam(kind string) *config.PresetParam {
	p, _ := config.PresetOf(kind)
	return suffixOf(&p)
}

func suffixOf(p *config.Preset) *config.PresetParam {
	for i := range p.Params {
		if p.Params[i].Suffix != "" {
			return &p.Params[i]
		}
	}
	return nil
}

// expand is the value of a suffix: its dimension's, and the word's under from.
func expand(p *config.PresetParam, name, suffix string) string {
	return strings.NewReplacer("{name}", name, "{suffix}", suffix).Replace(p.Suffix)
}

// shorten is expand backwards.
func shorten(p *config.PresetParam, name, value string) (suffix string, ok bool) {
	before, after, _ := strings.Cut(p.Suffix, "{suffix}")
	before = strings.ReplaceAll(before, "{name}", name)
	suffix, ok = strings.CutPrefix(value, before)
	if ok {
		suffix, ok = strings.CutSuffix(suffix, after)
	}
	return suffix, ok && suffix != ""
}

// Word is one word under from with its value.
type Word struct{ Name, Value, Doc string }

// From are the words under from that measure the service.
func (r Ref) From() []Word {
	p, _ := config.PresetOf(r.Kind)
	out := []Word{{p.Key, r.Name, p.Doc}}
	if w := suffixParam(r.Kind); w != nil && r.Suffix != "" {
		out = append(out, Word{w.Name, expand(w, r.Name, r.Suffix), w.Doc})
	}
	return out
}

// Dimensions are those of the service's metrics, exactly.
func (r Ref) Dimensions() map[string]string {
	p, _ := config.PresetOf(r.Kind)
	out := map[string]string{p.Dimension: r.Name}
	maps.Copy(out, p.Fixed)
	if w := suffixParam(r.Kind); w != nil && r.Suffix != "" {
		out[w.Dimension] = expand(w, r.Name, r.Suffix)
	}
	return out
}

// ServiceName makes a name that documents may have of a reference: the part
// people know it by, in small letters, digits and dashes.
func (r Ref) ServiceName() string {
	name := r.Name
	// app/web/0123456789abcdef, net/edge/0123456789abcdef
	if parts := strings.Split(name, "/"); len(parts) == 3 && (parts[0] == "app" || parts[0] == "net") {
		name = parts[1]
	}
	out := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			return c
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		}
		return '-'
	}, name)
	for strings.Contains(out, "--") {
		out = strings.ReplaceAll(out, "--", "-")
	}
	out = strings.Trim(out, "-")
	if len(out) > longest {
		out = strings.Trim(out[:longest], "-")
	}
	if out == "" {
		return r.Kind
	}
	return out
}

// longest is how long a name made here gets: with "-availability" behind it, it
// still fits.
const longest = 48

// quoted shows a text that may hold anything.
func quoted(s string) string { return `"` + s + `"` }
