package script

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Script is a test, read.
type Script struct {
	File  string
	steps []step
	// Checks is how many expectations it has.
	Checks int
	// Start is where offsets and loads begin.
	Start slo.Minute
}

// step is one block of a script.
type step struct {
	line int
	verb string // "objective", "load", "rows", "exclude", "at", "clear"
	// objective names service/slo, or service/slo/objective; "" in an at that is
	// about the only one.
	objective string
	declared  *slo.Objective
	series    map[string][]sample // of load: good, bad, total
	every     slo.Minute          // of load
	rows      []row
	span      slo.Span // of exclude
	at        slo.Minute
	checks    []check
}

type row struct {
	at          slo.Minute
	good, total slo.Amount
}

// check is one expectation.
type check struct {
	line  int
	text  string
	words []string
}

// epoch is where the offsets of a script begin unless it says otherwise.
func epoch() slo.Minute {
	return slo.MinuteOf(time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC))
}

// Parse reads a script. Every problem has file and line.
func Parse(file string, data []byte) (*Script, fault.Problems) {
	p := parser{s: &Script{File: file}, start: epoch(), moved: true}
	if !utf8.Valid(data) {
		p.fail(1, errors.New("it is no text"))
		return p.s, p.problems
	}
	n := 0
	for text := range strings.Lines(string(data)) {
		n++
		text, _, _ = strings.Cut(strings.TrimRight(text, "\r\n"), "#")
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		indented := strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\t")
		if err := p.line(n, words, indented); err != nil {
			p.fail(n, err)
		}
	}
	p.finish()
	p.s.Start = p.start
	if p.s.Checks == 0 && len(p.problems) == 0 {
		p.fail(max(1, n), errors.New("it expects nothing; write an `at` with expectations below it"))
	}
	return p.s, p.problems
}

type parser struct {
	s        *Script
	problems fault.Problems
	start    slo.Minute
	moved    bool // from may still be said
	open     *step
	broken   bool // lines below a broken one are not looked at
}

func (p *parser) fail(line int, err error) {
	p.problems = append(p.problems, fault.Problem{
		Place: fault.Place{File: p.s.File, Line: line, Column: 1}, Rule: "script", Message: err.Error(),
	})
}

func (p *parser) finish() {
	if p.open == nil {
		return
	}
	if p.open.verb == "at" && len(p.open.checks) == 0 {
		p.fail(p.open.line, errors.New("nothing is expected at it"))
	}
	p.s.steps = append(p.s.steps, *p.open)
	p.open = nil
}

func (p *parser) line(n int, words []string, indented bool) error {
	if indented {
		if p.broken {
			return nil
		}
		if p.open == nil {
			return errors.New("an indented line belongs to a load, rows or at above it")
		}
		return p.inside(n, words)
	}
	p.finish()
	s := step{line: n, verb: words[0]}
	err := p.begin(&s, words[1:])
	p.broken = err != nil
	if err == nil && s.verb != "from" {
		p.moved = false
		p.open = &s
	}
	return err
}

// begin reads the first line of a block.
func (p *parser) begin(s *step, args []string) (err error) {
	switch s.verb {
	case "from":
		return p.from(args)
	case "objective":
		s.declared, err = objective(args)
		if err == nil {
			s.objective = s.declared.Service + "/" + s.declared.SLO
		}
		return err
	case "load":
		return load(s, args)
	case "rows":
		if len(args) != 1 {
			return errors.New("write `rows SERVICE/SLO`")
		}
		s.objective = args[0]
		return nil
	case "exclude":
		return p.exclude(s, args)
	case "at":
		return p.when(s, args)
	case "clear":
		return nil
	}
	return fmt.Errorf("there is no %q; a block begins with from, objective, load, rows, exclude, at or clear", clip(s.verb))
}

// from reads where the script's time begins.
func (p *parser) from(args []string) error {
	if !p.moved || len(args) != 1 {
		return errors.New("write `from TIME` once, at the top")
	}
	t, err := time.Parse(time.RFC3339, args[0])
	if err != nil || t.Unix() < 0 {
		return fmt.Errorf("%q is no time like 2025-01-01T00:00:00Z", clip(args[0]))
	}
	p.start = slo.MinuteOf(t)
	return nil
}

func (p *parser) exclude(s *step, args []string) (err error) {
	if len(args) != 3 {
		return errors.New("write `exclude SERVICE/SLO FROM TO`")
	}
	s.objective = args[0]
	if s.span.From, err = p.instant(args[1]); err == nil {
		s.span.To, err = p.instant(args[2])
	}
	return err
}

// when reads an at.
func (p *parser) when(s *step, args []string) (err error) {
	if len(args) < 1 || len(args) > 2 {
		return errors.New("write `at TIME`, or `at TIME SERVICE/SLO`")
	}
	if len(args) == 2 {
		s.objective = args[1]
	}
	s.at, err = p.instant(args[0])
	return err
}

func load(s *step, args []string) (err error) {
	s.every, s.series = 1, map[string][]sample{}
	switch {
	case len(args) == 1:
	case len(args) == 3 && args[1] == "step":
		if s.every, err = slo.ParseLength(args[2]); err != nil || s.every > slo.Day {
			return fmt.Errorf("%q is no step of up to a day, like 1m", clip(args[2]))
		}
	default:
		return errors.New("write `load SERVICE/SLO`, or `load SERVICE/SLO step 5m`")
	}
	s.objective = args[0]
	return nil
}

// inside reads an indented line.
func (p *parser) inside(n int, words []string) error {
	s := p.open
	switch s.verb {
	case "load":
		name := words[0]
		if name != "good" && name != "bad" && name != "total" {
			return fmt.Errorf("there is no series %q; load total, and good or bad", clip(name))
		}
		more, err := samples(words[1:])
		if err != nil {
			return err
		}
		if len(s.series[name])+len(more) > maxSamples {
			return fmt.Errorf("a script loads %d samples of a series at most", maxSamples)
		}
		s.series[name] = append(s.series[name], more...)
		return nil
	case "rows":
		r, err := p.row(words)
		s.rows = append(s.rows, r)
		return err
	case "at":
		if err := known(words); err != nil {
			return err
		}
		s.checks = append(s.checks, check{n, strings.Join(words, " "), words})
		p.s.Checks++
		return nil
	}
	return fmt.Errorf("nothing stands below %s", s.verb)
}

// row is "TIME GOOD TOTAL".
func (p *parser) row(words []string) (r row, err error) {
	if len(words) != 3 {
		return r, errors.New("write `TIME GOOD TOTAL`")
	}
	if r.at, err = p.instant(words[0]); err != nil {
		return r, err
	}
	if r.good, err = slo.ParseEvents(words[1]); err != nil {
		return r, fmt.Errorf("good: %w", err)
	}
	if r.total, err = slo.ParseEvents(words[2]); err != nil {
		return r, fmt.Errorf("total: %w", err)
	}
	if r.good > r.total {
		return r, errors.New("more is good than there is")
	}
	return r, nil
}

// instant reads a time, or an offset from the script's beginning: "30d1m", "0".
func (p *parser) instant(text string) (slo.Minute, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil && t.Unix() >= 0 {
		return slo.MinuteOf(t), nil
	}
	if text == "0" {
		return p.start, nil
	}
	at, rest := p.start, text
	for rest != "" {
		end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if end <= 0 {
			return 0, fmt.Errorf("%q is neither a time like 2025-01-01T00:00:00Z nor an offset like 30d1m", clip(text))
		}
		n, err := slo.ParseLength(rest[:end+1])
		if err != nil || n > 100*366*slo.Day {
			return 0, fmt.Errorf("%q is neither a time like 2025-01-01T00:00:00Z nor an offset like 30d1m", clip(text))
		}
		at += n
		rest = rest[end+1:]
	}
	return at, nil
}

// objective reads "SERVICE/SLO TARGET over WINDOW [weighted] [recommended]
// [min-bad N]".
func objective(args []string) (*slo.Objective, error) {
	if len(args) < 4 || args[2] != "over" {
		return nil, errors.New("write `objective SERVICE/SLO 99.9% over 30d`")
	}
	service, name, ok := strings.Cut(args[0], "/")
	if !ok || service == "" || name == "" || strings.Contains(name, "/") {
		return nil, fmt.Errorf("%q is not SERVICE/SLO", clip(args[0]))
	}
	o := &slo.Objective{Service: service, SLO: name, Name: args[1]}
	percent, err := slo.ParseDecimal(strings.TrimSuffix(args[1], "%"))
	if err == nil && strings.HasSuffix(args[1], "%") {
		percent, err = percent.Shift(-2)
	}
	if err != nil || percent.Sign() <= 0 || percent.Complement().Sign() <= 0 {
		return nil, fmt.Errorf("%q is no target like 99.9%%", clip(args[1]))
	}
	o.Target = percent
	length, err := slo.ParseLength(args[3])
	if err != nil || length > 366*slo.Day {
		return nil, fmt.Errorf("%q is no window of up to a year, like 30d", clip(args[3]))
	}
	o.Window = slo.Rolling{Length: length}
	o.Conditions, o.LeftOut = slo.DefaultConditions(o.Window, o.Target)
	return o, options(o, args[4:])
}

func options(o *slo.Objective, words []string) (err error) {
	for len(words) > 0 {
		switch {
		case words[0] == "weighted":
			for i := range o.Conditions {
				o.Conditions[i].Weighted = true
			}
		case words[0] == "recommended":
			o.Conditions, o.MinBad, o.LeftOut = slo.Recommended(o.Window, o.Target)
		case words[0] == "min-bad" && len(words) > 1:
			if o.MinBad, err = slo.ParseEvents(words[1]); err != nil {
				return fmt.Errorf("min-bad: %w", err)
			}
			words = words[1:]
		default:
			return fmt.Errorf("%q is none of weighted, recommended and min-bad N", clip(words[0]))
		}
		words = words[1:]
	}
	return nil
}
