package backtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"gitlab.com/nines-sre/nines/internal/backtest"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Trial is a policy to be tried: alert rules for any objective, and what else
// stands in its file.
type Trial struct {
	Name string
	For  func(o *slo.Objective) backtest.Policy
	// Gates are gate policies of the file, Exclusions stretches that are not to
	// count while it is tried.
	Gates      []config.GatePolicy
	Exclusions []config.Exclusion
	// Rules says that the file has alert rules; else For is the documents'.
	Rules bool
}

// Documents is the trial of what the documents say.
func Documents(c *config.Catalog) Trial {
	after := map[string]map[string]slo.Minute{}
	for i := range c.Objectives {
		o, delays := &c.Objectives[i], map[string]slo.Minute{}
		for k := range c.AlertPolicies {
			if p := &c.AlertPolicies[k]; slices.Contains(o.AlertPolicies, p.Name) {
				delays[p.Condition.Name] = p.After
			}
		}
		after[o.Key()] = delays
	}
	return Trial{Name: "documents", Rules: true, For: func(o *slo.Objective) backtest.Policy {
		return backtest.PolicyOf("documents", o, after[o.Key()])
	}}
}

// Named are the trials that have a name of their own.
func Named(c *config.Catalog, name string) (Trial, bool) {
	switch name {
	case "documents":
		return Documents(c), true
	case "recommended":
		return Trial{Name: name, Rules: true, For: func(o *slo.Objective) backtest.Policy { return backtest.Recommended(o.Window, o.Target, true) }}, true
	case "default":
		return Trial{Name: name, Rules: true, For: func(o *slo.Objective) backtest.Policy { return backtest.Default(o.Window, o.Target, true) }}, true
	}
	return Trial{}, false
}

// Read is the trial a name or a file stands for. A file holds documents
// (AlertPolicy, GatePolicy, Exclusion), or the short form:
//
//	weighted: true
//	minBadEvents: 5
//	rules:
//	  - {name: page-fast, severity: page, share: 2%, long: 1h, short: 5m, after: 2m}
//	  - {name: ticket, severity: ticket, threshold: 1, long: 3d}
func Read(c *config.Catalog, name string, opt config.Options) (Trial, error) {
	if t, ok := Named(c, name); ok {
		return t, nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return Trial{}, fault.Wrap(fault.NotFound, "policy "+name, err, "name a file, or one of documents, default, recommended")
	}
	label := strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
	var short shortForm
	if decode(data, &short) == nil && len(short.Rules) > 0 {
		return short.trial(label, name)
	}
	if !documents(data) {
		return Trial{}, fault.Wrap(fault.Invalid, "policy "+name, decode(data, &short), "it holds documents, or weighted, minBadEvents and rules")
	}
	found, problems := config.Parse(append(services(c), config.File{Name: name, Data: data}), opt)
	if err := problems.Err(false); err != nil {
		return Trial{}, err //nolint:wrapcheck // it is of package fault
	}
	t := ofDocuments(label, c, found)
	if !t.Rules && len(t.Gates)+len(t.Exclusions) == 0 {
		return Trial{}, fault.New(fault.Invalid, "policy "+name, "it holds no AlertPolicy, GatePolicy or Exclusion", "")
	}
	return t, nil
}

// services are documents of the services there are, which the policies of a file
// of its own may name.
func services(c *config.Catalog) []config.File {
	var out []config.File
	seen := map[string]bool{}
	for i := range c.Objectives {
		name := c.Objectives[i].Service
		if !seen[name] {
			seen[name] = true
			text := fmt.Sprintf("apiVersion: openslo/v1\nkind: Service\nmetadata: {name: %q}\nspec: {}\n", name)
			out = append(out, config.File{Name: "service " + name, Data: []byte(text)})
		}
	}
	return out
}

// ofDocuments is the trial of a file's documents: each of its alert policies is
// held to every objective.
func ofDocuments(label string, c, found *config.Catalog) Trial {
	t := Trial{Name: label, Gates: found.Policies, Exclusions: found.Exclusions, Rules: len(found.AlertPolicies) > 0, For: Documents(c).For}
	if !t.Rules {
		return t
	}
	t.For = func(o *slo.Objective) backtest.Policy {
		p := backtest.Policy{Name: label, MinBad: o.MinBad}
		weighted := len(o.Conditions) > 0 && o.Conditions[0].Weighted
		for i := range found.AlertPolicies {
			a := &found.AlertPolicies[i]
			cond := a.Condition
			cond.Weighted = weighted
			cond.Long, cond.Short = max(cond.Long, o.Slice), max(cond.Short, o.Slice)
			if slo.CanFire(cond.Threshold, o.Target) {
				p.Rules = append(p.Rules, backtest.Rule{Condition: cond, After: a.After})
			}
		}
		return p
	}
	return t
}

// documents says whether a file holds documents.
func documents(data []byte) bool {
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "apiVersion:") {
			return true
		}
	}
	return false
}

func decode(data []byte, into any) error {
	dec, err := yaml.NewLoader(strings.NewReader(string(data)), yaml.WithKnownFields())
	if err != nil {
		return err //nolint:wrapcheck // the caller says which file
	}
	return dec.Load(into) //nolint:wrapcheck // as above
}

// shortForm is a policy written down quickly.
type shortForm struct {
	Weighted     bool        `yaml:"weighted"`
	MinBadEvents string      `yaml:"minBadEvents"`
	Rules        []shortRule `yaml:"rules"`
}

type shortRule struct {
	Name      string `yaml:"name"`
	Severity  string `yaml:"severity"`
	Share     string `yaml:"share"`
	Threshold string `yaml:"threshold"`
	Long      string `yaml:"long"`
	Short     string `yaml:"short"`
	After     string `yaml:"after"`
}

func (f *shortForm) trial(label, file string) (Trial, error) {
	spec := backtest.Spec{Name: label, Weighted: f.Weighted}
	wrong := func(i int, field, text string, err error) error {
		return fault.Wrap(fault.Invalid, fmt.Sprintf("%s: rule %d: %s %q", file, i+1, field, text), err, "")
	}
	if f.MinBadEvents != "" {
		n, err := slo.ParseEvents(f.MinBadEvents)
		if err != nil {
			return Trial{}, fault.Wrap(fault.Invalid, file+": minBadEvents", err, "")
		}
		spec.MinBad = n
	}
	for i := range f.Rules {
		r, field, text, err := f.Rules[i].spec()
		if err != nil {
			return Trial{}, wrong(i, field, text, err)
		}
		spec.Rules = append(spec.Rules, r)
	}
	return Trial{Name: label, Rules: true, For: spec.For}, nil
}

// spec reads a rule; an error comes with the field it is in.
func (s *shortRule) spec() (r backtest.SpecRule, field, text string, err error) {
	r.Name = s.Name
	switch s.Severity {
	case "", "page":
	case "ticket":
		r.Severity = slo.Ticket
	default:
		return r, "severity", s.Severity, errors.New("write page or ticket")
	}
	if r.Long, err = slo.ParseLength(s.Long); err != nil {
		return r, "long", s.Long, err
	}
	for _, x := range []struct {
		name, text string
		into       *slo.Minute
	}{{"short", s.Short, &r.Short}, {"after", s.After, &r.After}} {
		if x.text == "" {
			continue
		}
		if *x.into, err = slo.ParseLength(x.text); err != nil {
			return r, x.name, x.text, err
		}
	}
	if r.Short > r.Long {
		return r, "short", s.Short, errors.New("it is longer than the long look-back")
	}
	if s.Threshold != "" {
		r.Threshold, err = slo.ParseDecimal(s.Threshold)
		if err == nil && r.Threshold.Sign() <= 0 {
			err = errors.New("a burn rate above zero is wanted")
		}
		return r, "threshold", s.Threshold, err
	}
	share, err := slo.ParseDecimal(strings.TrimSpace(strings.TrimSuffix(s.Share, "%")))
	if err == nil && (share.Sign() <= 0 || share.Float() > 100) {
		err = errors.New("a share of the budget is above 0 and up to 100%")
	}
	r.Share = int64(share.Float()*100 + 0.5)
	return r, "share", s.Share, err
}
