package csv

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// maxStep bounds a step: a month of minutes.
const maxStep = 31 * slo.Day

// settings are a spec, read.
type settings struct {
	path       string
	columns    []string // names in the file's order; empty: the header's
	column     string   // wanted; empty: by the role
	role       string   // what the query is for
	step       slo.Minute
	timeFormat string
}

// Check finds what is wrong with a spec. A path may be missing where the data
// source's connectionDetails name the file.
func Check(spec slo.Spec) []metric.SpecProblem {
	_, problems := read(spec)
	return problems
}

// read turns a spec into settings and says everything that is wrong with it.
func read(spec slo.Spec) (settings, []metric.SpecProblem) {
	r := reader{spec: spec}
	s := settings{
		path:       r.text("path"),
		columns:    r.list("columns"),
		column:     r.text("column"),
		step:       r.step("step"),
		timeFormat: r.text("timeFormat"),
	}
	if s.timeFormat != "" && !validFormat(s.timeFormat) {
		r.say("timeFormat", fmt.Sprintf("%q is no time format", s.timeFormat),
			"use rfc3339, datetime, unix, or a Go layout with date and time such as 02/01/2006 15:04")
	}
	if len(s.columns) > 0 {
		r.checkColumns(s)
	}
	known := []string{"path", "columns", "column", "step", "timeFormat"}
	for _, field := range slices.Sorted(maps.Keys(spec)) {
		if !slices.Contains(known, field) {
			r.say(field, fmt.Sprintf("a csv source has no field %q", field), "it has "+strings.Join(known, ", "))
		}
	}
	return s, r.problems
}

type reader struct {
	spec     slo.Spec
	problems []metric.SpecProblem
}

func (r *reader) say(path, message, hint string) {
	r.problems = append(r.problems, metric.SpecProblem{Path: path, Message: message, Hint: hint})
}

func (r *reader) text(field string) string {
	v, ok := r.spec[field]
	if !ok {
		return ""
	}
	s, ok := v.(string)
	if s = strings.TrimSpace(s); !ok || s == "" {
		r.say(field, fmt.Sprintf("%s must be a text, not %v", field, v), "")
	}
	return s
}

// list reads "a,b,c" or a list of texts.
func (r *reader) list(field string) []string {
	var out []string
	switch v := r.spec[field].(type) {
	case nil:
	case string:
		out = strings.Split(v, ",")
	case []string:
		out = slices.Clone(v)
	case []any:
		for _, e := range v {
			out = append(out, fmt.Sprint(e))
		}
	default:
		r.say(field, fmt.Sprintf("%s must be a list of names, not %v", field, v), "write timestamp,good,total")
	}
	for i := range out {
		out[i] = normal(out[i])
	}
	return out
}

func (r *reader) step(field string) slo.Minute {
	v, ok := r.spec[field]
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(fmt.Sprint(v))
	if sec, e := strconv.ParseInt(fmt.Sprint(v), 10, 32); e == nil {
		d, err = time.Duration(sec)*time.Second, nil
	}
	if err != nil || d < time.Minute || d%time.Minute != 0 || d > maxStep.Duration() {
		r.say(field, fmt.Sprintf("%v is no step", v), "write whole minutes, 1m to 744h, or seconds such as 300")
		return 0
	}
	return slo.Minute(d / time.Minute)
}

func (r *reader) checkColumns(s settings) {
	if timeColumn(s.columns) < 0 {
		r.say("columns", "no column is called timestamp", "name the columns in the file's order: timestamp,good,total")
	}
	for i, name := range s.columns {
		if name != "" && name != "-" && slices.Contains(s.columns[:i], name) {
			r.say("columns", fmt.Sprintf("two columns are called %q", name), "call one that is not needed -")
		}
	}
	if s.column != "" && !slices.Contains(s.columns, normal(s.column)) {
		r.say("column", fmt.Sprintf("columns does not name %q", s.column), "it names "+strings.Join(s.columns, ", "))
	}
}

// settingsOf reads a query's spec over the data source's details.
func settingsOf(q metric.Query, details slo.Spec, dir string) (settings, error) {
	spec := slo.Spec{}
	for _, field := range []string{"columns", "step", "timeFormat"} {
		if v, ok := details[field]; ok {
			spec[field] = v
		}
	}
	maps.Copy(spec, q.Spec)
	s, problems := read(spec)
	if len(problems) > 0 {
		p := problems[0]
		return s, fault.New(fault.Invalid, "csv "+p.Path, p.Message, cmp.Or(p.Hint, "nines lint shows every problem with its place"))
	}
	base, _ := details["path"].(string)
	switch {
	case s.path == "" && base == "":
		return s, fault.New(fault.Invalid, "csv path", "no path names the file", "write spec: {path: requests.csv}")
	case s.path == "":
		s.path = base
	case base != "" && !filepath.IsAbs(s.path):
		s.path = filepath.Join(folder(base), s.path)
	}
	if !filepath.IsAbs(s.path) {
		s.path = filepath.Join(dir, s.path)
	}
	if s.step == 0 {
		s.step = q.Period
	}
	s.role = q.Role
	return s, nil
}

// folder is the folder a data source's path stands for: itself, or where the
// file lies.
func folder(path string) string {
	if filepath.Ext(path) == "" {
		return path
	}
	return filepath.Dir(path)
}

// normal is how column names are compared: trimmed, in lower case.
func normal(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
