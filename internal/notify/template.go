package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// maxBody is the most that a template may make.
const maxBody = 256 << 10

// Template makes the body of a webhook from a message.
type Template struct {
	tmpl *template.Template
	json bool
}

// ParseTemplate reads a template and tries it on an alert that fires, one that
// is over, a halt and an empty message, so that what would fail at night fails
// here. Where contentType is JSON ("" is), what it makes must be. The error is
// of kind Invalid.
func ParseTemplate(text, contentType string) (*Template, error) {
	tmpl, err := template.New("template").Option("missingkey=error").Funcs(functions()).Parse(text)
	if err != nil {
		return nil, fault.New(fault.Invalid, "template", plain(err), "it is a Go text/template over the message")
	}
	t := &Template{tmpl, contentType == "" || strings.Contains(contentType, "json")}
	at := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	halt := Message{
		Event: Halt, Title: `a "quoted" title`, Lines: []string{"one \\ line", "two"}, Service: "example-api", Environment: "production",
		Version: "1.4.2", Verdict: "fail", Key: "halt/example-api", At: at,
	}
	for _, m := range []Message{Sample(Firing, Page, at), Sample(Resolved, Ticket, at), halt, {}} {
		if _, err := t.Make(m); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Make makes the body.
func (t *Template) Make(m Message) ([]byte, error) {
	out := &limited{}
	if err := t.tmpl.Execute(out, &m); err != nil {
		return nil, fault.New(fault.Invalid, "template", plain(err),
			"an alert is in .Alert, which is nil for other events: {{with .Alert}}...{{end}}")
	}
	if t.json && !json.Valid(out.Bytes()) {
		return nil, fault.New(fault.Invalid, "template", fmt.Sprintf("what it makes of an event %q is no JSON", m.Event),
			`write {{json .Title}} for a quoted string, or say nines/content-type: text/plain`)
	}
	return out.Bytes(), nil
}

// plain is an error of text/template without the name that we gave it.
func plain(err error) string {
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "template: "), "template:")
}

// limited is a buffer that ends somewhere.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxBody {
		return 0, fmt.Errorf("it makes more than %d KB", maxBody>>10)
	}
	return l.Buffer.Write(p) //nolint:wrapcheck // says all there is to say
}

// functions are what templates may call beside those of text/template.
func functions() template.FuncMap {
	wide := regexp.MustCompile(`%[^a-zA-Z%]*(\d{4,}|\*)`)
	return template.FuncMap{
		"json": func(v any) (string, error) {
			data, err := json.Marshal(v)
			return string(data), err
		},
		"join":    func(sep string, parts []string) string { return strings.Join(parts, sep) },
		"lower":   strings.ToLower,
		"upper":   strings.ToUpper,
		"times":   func(v *float64) string { return maybe(v, Times) },
		"percent": func(v *float64) string { return maybe(v, Percent) },
		"labels": func(m map[string]string) []string {
			var out []string
			for _, k := range slices.Sorted(maps.Keys(m)) {
				out = append(out, k+"="+m[k])
			}
			return out
		},
		// The usual one would make a gigabyte of "%1000000000d".
		"printf": func(format string, args ...any) (string, error) {
			if wide.MatchString(format) {
				return "", fmt.Errorf("printf: the format %.20q is too wide", format)
			}
			return fmt.Sprintf(format, args...), nil
		},
	}
}

func maybe(v *float64, show func(float64) string) string {
	if v == nil {
		return "unknown"
	}
	return show(*v)
}
