package discover

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/metric"
)

// Doc is what a first document is written from.
type Doc struct {
	Ref   Ref
	Place metric.Place
	// Name is the service's in the document.
	Name string
	// Window is a rolling length, as "28d".
	Window string
	// Objectives in the short form: "99.9% available", "99% < 300ms".
	Objectives []string
	// Head are sentences for the top: where the numbers come from.
	Head []string
}

// Document writes the short form of a service with comments: what is measured,
// in which units, and what is not seen. Names that are not plain are quoted.
func Document(d Doc) []byte {
	p, _ := config.PresetOf(d.Ref.Kind)
	var b strings.Builder
	for _, text := range d.Head {
		comment(&b, "", text)
	}
	fmt.Fprintf(&b, "apiVersion: nines/v1\nkind: Service\nmetadata:\n  name: %s\nspec:\n  from:\n", scalar(d.Name))
	for _, w := range d.words() {
		comment(&b, "    ", w.Doc)
		fmt.Fprintf(&b, "    %s: %s\n", w.Name, scalar(w.Value))
	}
	if d.Window != "" {
		fmt.Fprintf(&b, "  window: %s\n", scalar(d.Window))
	}
	comment(&b, "  ", p.BlindSpots)
	b.WriteString("  objectives:\n")
	for _, m := range []struct {
		name    string
		measure config.Measure
	}{{"availability", p.Available}, {"latency", p.Latency}} {
		comment(&b, "    ", strings.TrimSpace(m.name+": "+means(&p, m.measure, d.Ref.Suffix)+" "+m.measure.BlindSpots))
		for _, o := range d.Objectives {
			if strings.Contains(o, "available") == (m.name == "availability") && m.measure.Refused == "" {
				fmt.Fprintf(&b, "    - %s\n", o)
			}
		}
	}
	return []byte(b.String())
}

// words are those under from.
func (d Doc) words() []Word {
	out := d.Ref.From()
	for _, w := range []Word{
		{"region", d.Place.Region, "The region of the metrics."},
		{"accountId", d.Place.Account, "The account, seen from a monitoring account."},
		{"roleArn", d.Place.Role, "The role to take for reading."},
	} {
		p, _ := config.PresetOf(d.Ref.Kind)
		if w.Value != "" && (w.Name != "region" || p.Region == "") {
			out = append(out, w)
		}
	}
	return out
}

// means says in words what a measure counts.
func means(p *config.Preset, m config.Measure, suffix string) string {
	word := ""
	if w := suffixOf(p); w != nil && suffix != "" {
		word = w.Name
	}
	switch {
	case m.Refused != "":
		return "not measured here: " + m.Refused + "."
	case m.Value != nil:
		return fmt.Sprintf("a minute is good when the %s of %s, in %s, is within the bound.", strings.ToLower(m.Value.Stat), m.Value.Metric, unit(m.Unit))
	case m.Good != nil && strings.Contains(m.Good.Stat, "{bound}"):
		return fmt.Sprintf("samples of %s, in %s, up to the bound, of all its samples.", m.Good.Metric, unit(m.Unit))
	case m.Good != nil:
		return fmt.Sprintf("good are %s, of %s.", sum(m.Good.With(word)), sum(m.Total.With(word)))
	}
	return fmt.Sprintf("bad are %s, of %s.", sum(m.Bad.With(word)), sum(m.Total.With(word)))
}

func unit(u string) string {
	if u == "s" {
		return "seconds"
	}
	return "milliseconds"
}

// sum is a query as a formula over the names of its metrics.
func sum(q *config.PresetQuery) string {
	switch {
	case q.Expression != "":
	case q.Stat == "SampleCount":
		return "the samples of " + q.Metric
	default:
		return q.Metric
	}
	text := q.Expression
	if inner, ok := strings.CutPrefix(text, "SUM(["); ok {
		text = strings.ReplaceAll(strings.TrimSuffix(inner, "])"), ", ", " + ")
	}
	return regexp.MustCompile(`[a-z]+`).ReplaceAllStringFunc(text, func(id string) string {
		for _, part := range q.Queries {
			if part.ID == id {
				return part.Metric
			}
		}
		return id
	})
}

// comment writes sentences as comment lines of a readable width.
func comment(b *strings.Builder, indent, text string) {
	const width = 100
	line := indent + "#"
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 }) {
		if len(line)+1+len(word) > width && line != indent+"#" {
			b.WriteString(line + "\n")
			line = indent + "#"
		}
		line += " " + word
	}
	if line != indent+"#" {
		b.WriteString(line + "\n")
	}
}

var plainScalar = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9/_.-]*$|^[0-9]+[dhmw]$`)

// scalar writes a value as YAML: plain where nothing can be misread, else as a
// string with escapes that YAML and JSON share.
func scalar(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
	default:
		if plainScalar.MatchString(s) {
			return s
		}
	}
	return strconv.QuoteToASCII(s)
}
