package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// Expand prints the documents of files as YAML, each short form replaced by
// the documents of OpenSLO it stands for, and with what its tier gives it, each
// part under a comment that says where that was written. Everything else is
// printed as it is. Documents with problems are left out of the output. Tiers
// are looked for in around too, which is not printed.
func Expand(files, around []File, opt Options) ([]byte, fault.Problems, error) {
	l := newLoader(opt)
	var docs []*openslo.Node
	for _, f := range files {
		read, problems := openslo.Read(f.Name, f.Data)
		l.report.Problems = append(l.report.Problems, problems...)
		docs = append(docs, read...)
	}
	for _, n := range docs {
		l.tiers.note(n, l.ours)
	}
	for _, f := range around {
		read, _ := openslo.Read(f.Name, f.Data) // their problems are lint's
		for _, n := range read {
			l.tiers.note(n, l.ours)
		}
	}
	var out []*openslo.Node
	for _, n := range docs {
		before := l.report.Problems.Errors()
		if n.Get("apiVersion").Str() != version || n.Get("kind").Str() != "Service" {
			l.document(n)
			if l.report.Problems.Errors() == before {
				out = append(out, l.tiers.complete(n))
			}
			continue
		}
		l.ours.kinds["Service"].Check(n, l.report)
		if l.report.Problems.Errors() == before {
			for _, d := range l.expand(n) {
				out = append(out, l.tiers.complete(d))
			}
		}
	}
	l.danglingTiers()
	text, err := openslo.WriteNoted(out, l.tiers.notes)
	return text, l.report.Problems.Sorted(), err
}

// objectivePattern is the short form's way to say an objective.
const objectivePattern = `^\s*([0-9]+(?:\.[0-9]+)?)\s*%\s*(?:(available)|(?:<=?|under|within|below)\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m))\s*$`

var objectiveForm = regexp.MustCompile(objectivePattern)

// shortObjective is one entry of a short form's objectives, read.
type shortObjective struct {
	name        string
	displayName string
	percent     string
	latency     bool
	bound       slo.Decimal // milliseconds
	boundText   string      // as written, without spaces
	node        *openslo.Node
	extra       *openslo.Node // the long form, where it was written so
}

func objectiveFormat() *openslo.Format {
	return &openslo.Format{Name: "objective", Pattern: objectivePattern, Check: func(s string) (string, string) {
		const hint = `write "99.95% available" or "99% < 300ms"`
		m := objectiveForm.FindStringSubmatch(s)
		if m == nil {
			return quoted(s) + " is not an objective", hint
		}
		d, err := slo.ParseDecimal(m[1])
		switch {
		case err != nil:
			return "is wrong: " + err.Error(), hint
		case d.Sign() == 0:
			return "asks for 0 %: everything meets it, so it promises nothing", hint
		case d.Cmp(slo.MustDecimal("100")) >= 0:
			return "asks for 100 % or more: that leaves no error budget, and the first error breaks it", "99.99% is one error in 10,000"
		}
		return "", ""
	}}
}

// parseObjective reads an entry that objectiveFormat has accepted.
func parseObjective(n *openslo.Node) (o shortObjective, ok bool) {
	o = shortObjective{node: n}
	text := n.Str()
	if n.Kind == openslo.Map {
		o.extra, text = n, n.Get("objective").Str()
		o.name, o.displayName = n.Get("name").Str(), n.Get("displayName").Str()
	}
	m := objectiveForm.FindStringSubmatch(text)
	if m == nil {
		return o, false
	}
	o.percent = m[1]
	if m[2] != "" {
		return o, true
	}
	o.latency, o.boundText = true, m[3]+m[4]
	d, err := slo.ParseDecimal(m[3])
	if err != nil {
		return o, false
	}
	switch m[4] {
	case "s":
		d, err = d.Shift(3)
	case "m":
		d, err = d.Mul(slo.MustDecimal("60000"))
	}
	o.bound = d
	return o, err == nil
}

// expand turns a short form into a Service and its SLOs. Their places are those
// of the short form, so that problems in them point to what was written.
func (l *loader) expand(n *openslo.Node) []*openslo.Node {
	spec := n.Get("spec")
	meta := openslo.DecodeMeta(n.Get("metadata"))
	out := []*openslo.Node{expandService(n, spec)}
	names := map[string]bool{}
	for _, item := range spec.Get("objectives").List() {
		o, ok := parseObjective(item)
		if !ok {
			continue
		}
		nameObjective(&o, names)
		from := spec.Get("from")
		if own := o.extra.Get("from"); own.IsSet() {
			from = own
		}
		s := &short{l: l, service: meta.Name, spec: spec, o: o, from: from, tier: l.tiers.of(meta.Labels, meta.Name)}
		if d := s.slo(); d != nil {
			out = append(out, d)
		}
	}
	return out
}

// nameObjective names an SLO: availability, latency, and latency-500ms for a
// second one.
func nameObjective(o *shortObjective, taken map[string]bool) {
	switch {
	case o.name != "":
	case !o.latency:
		o.name = "availability"
	case taken["latency"]:
		o.name = "latency-" + strings.ReplaceAll(o.boundText, ".", "-")
	default:
		o.name = "latency"
	}
	if o.displayName == "" {
		o.displayName = o.name
	}
	taken[o.name] = true
}

// expandService is the OpenSLO Service of a short form.
func expandService(n, spec *openslo.Node) *openslo.Node {
	at := n.Place
	meta := n.Get("metadata")
	notes := openslo.NewMap(at)
	if old := meta.Get("annotations"); old.IsSet() {
		notes.Pairs = slices.Clone(old.Pairs)
	}
	add := func(name string, v *openslo.Node) {
		if text := strings.Join(v.Strings(), ", "); text != "" {
			notes.Pairs = append(notes.Pairs, openslo.Pair{Key: prefix + name, Place: v.Place, Value: openslo.NewText(v.Place, text)})
		}
	}
	add("owner", spec.Get("owner"))
	add("depends-on", spec.Get("dependsOn"))
	add("paths", spec.Get("paths"))
	if len(notes.Pairs) == 0 {
		notes = nil
	}
	var body *openslo.Node
	if d := spec.Get("description"); d.IsSet() {
		body = openslo.NewMap(at, "description", d)
	} else {
		body = openslo.NewMap(at)
	}
	return openslo.NewMap(at, "apiVersion", openslo.Version, "kind", "Service",
		"metadata", openslo.NewMap(meta.Where(), "name", meta.Get("name"), "displayName", meta.Get("displayName"), "labels", meta.Get("labels"), "annotations", notes),
		"spec", body)
}

// short expands one objective of a short form.
type short struct {
	l       *loader
	service string
	spec    *openslo.Node
	from    *openslo.Node
	tier    *tier
	o       shortObjective
}

// field is a field of the objective's long form, or of the whole short form.
func (s *short) field(name string) *openslo.Node {
	if v := s.o.extra.Get(name); v.IsSet() {
		return v
	}
	return s.spec.Get(name)
}

// slo is the OpenSLO document of the objective; nil where it was refused.
func (s *short) slo() *openslo.Node {
	at := s.o.node.Where()
	preset, measure := s.measure()
	if preset == nil {
		return nil
	}
	indicator, blind := s.indicator(preset, measure)
	if indicator == nil {
		return nil
	}
	method := "Occurrences"
	target := openslo.NewMap(at, "displayName", s.o.displayName, "targetPercent", openslo.NewNumber(at, s.o.percent))
	if measure.Value != nil {
		method = "Timeslices"
		bound := s.bound(measure.Unit)
		target = openslo.NewMap(at, "displayName", s.o.displayName, "op", "lte", "value", openslo.NewNumber(at, bound),
			"targetPercent", openslo.NewNumber(at, s.o.percent), "timeSliceTarget", openslo.NewNumber(at, "1"), "timeSliceWindow", s.slice())
	}
	body := openslo.NewMap(at, "description", describe(s.field("description"), blind), "service", openslo.NewText(at, s.service),
		"indicator", indicator, "timeWindow", s.window(), "budgetingMethod", method,
		"objectives", openslo.NewList(at, target), "alertPolicies", s.policies())
	return openslo.NewMap(at, "apiVersion", openslo.Version, "kind", "SLO",
		"metadata", openslo.NewMap(at, "name", openslo.NewText(at, s.o.name), "annotations", s.o.extra.Get("annotations")), "spec", body)
}

func (s *short) slice() *openslo.Node {
	if v := s.field("timeSliceWindow"); v.IsSet() {
		return v
	}
	return openslo.NewText(s.o.node.Where(), "1m")
}

// describe joins what the writer says and what the metrics do not see.
func describe(n *openslo.Node, blind string) *openslo.Node {
	text := strings.TrimSpace(n.Str() + " " + blind)
	if text == "" {
		return nil
	}
	const most = 1050
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return openslo.NewText(n.Where(), text)
}

// window is the time window: 28 rolling days unless said; nil where the tier
// says it.
func (s *short) window() *openslo.Node {
	v := s.field("window")
	if !v.IsSet() {
		if s.tier.get("window").IsSet() {
			return nil
		}
		v = openslo.NewText(s.o.node.Where(), "28d")
	}
	return openslo.NewList(s.o.node.Where(), windowDocument(v))
}

// windowDocument is OpenSLO's form of a window in short: a rolling length, or a
// calendar's mapping.
func windowDocument(v *openslo.Node) *openslo.Node {
	at := v.Where()
	if v.Kind == openslo.Map {
		return openslo.NewMap(at, "duration", v.Get("duration"), "isRolling", openslo.NewBool(at, false),
			"calendar", openslo.NewMap(at, "startTime", v.Get("startTime"), "timeZone", v.Get("timeZone")))
	}
	return openslo.NewMap(at, "duration", v, "isRolling", openslo.NewBool(at, true))
}

func (s *short) policies() *openslo.Node {
	v := s.field("alertPolicies")
	if !v.IsSet() {
		return nil
	}
	return policyRefs(v)
}

// policyRefs is OpenSLO's form of a list of names of alert policies.
func policyRefs(v *openslo.Node) *openslo.Node {
	out := openslo.NewList(v.Place)
	for _, n := range v.List() {
		out.Items = append(out.Items, openslo.NewMap(n.Place, "alertPolicyRef", n))
	}
	return out
}

// bound prints the bound in a metric's unit.
func (s *short) bound(unit string) string {
	if unit != "s" {
		return s.o.bound.String()
	}
	d, err := s.o.bound.Shift(-3)
	if err != nil {
		return s.o.bound.String()
	}
	return d.String()
}

// measure finds the preset and the measure that the objective needs.
func (s *short) measure() (*Preset, Measure) {
	for _, p := range Presets() {
		if !s.from.Get(p.Key).IsSet() {
			continue
		}
		if !s.checkFrom(&p) {
			return nil, Measure{}
		}
		m := p.Available
		if s.o.latency {
			m = p.Latency
		}
		if m.Refused != "" {
			s.l.report.Errorf(s.o.node.Where(), "unmeasurable", m.Refused, "%s cannot be measured from %s", s.o.name, p.Key)
			return nil, m
		}
		return &p, m
	}
	return nil, Measure{}
}

// checkFrom checks the words beside a preset's key.
func (s *short) checkFrom(p *Preset) bool {
	ok := true
	var known []string
	for _, w := range p.params() {
		known = append(known, w.Name)
		if w.Required && !s.from.Get(w.Name).IsSet() {
			s.l.once(s.from.Where(), "missing-field", w.Doc, "from: %s needs the field %q", p.Key, w.Name)
			ok = false
		}
	}
	for _, pair := range s.from.Pairs {
		if pair.Key != p.Key && !slices.Contains(known, pair.Key) {
			s.l.once(pair.Place, "unknown-field", openslo.DidYouMean(pair.Key, known), "from: %s takes no field %q", p.Key, pair.Key)
			ok = false
		}
	}
	return ok
}

// indicator is the SLI of the objective, and what it does not see.
func (s *short) indicator(p *Preset, m Measure) (n *openslo.Node, blind string) {
	at := s.o.node.Where()
	var spec *openslo.Node
	switch {
	case p.Key == csvKey:
		spec = openslo.NewMap(at, "ratioMetric", openslo.NewMap(at, "counter", openslo.NewBool(at, false), "good", s.csv(true), "total", s.csv(false)))
	case m.Value != nil:
		spec = openslo.NewMap(at, "thresholdMetric", s.metric(p, m, m.Value))
	default:
		spec = openslo.NewMap(at, "ratioMetric", openslo.NewMap(at, "counter", openslo.NewBool(at, false),
			"good", s.metric(p, m, m.Good), "bad", s.metric(p, m, m.Bad), "total", s.metric(p, m, m.Total)))
	}
	name := fmt.Sprintf("%s-%s", s.service, s.o.name)
	if why, _ := openslo.NameFormat().Check(name); why != "" {
		name = s.o.name
	}
	blind = strings.TrimSpace(m.BlindSpots + " " + p.BlindSpots)
	return openslo.NewMap(at, "metadata", openslo.NewMap(at, "name", name), "spec", spec), blind
}

// SplitLatency reads an objective of latency, as "99% < 300ms", into its share
// in percent and its bound as written; ok is false for anything else.
func SplitLatency(text string) (percent, bound string, ok bool) {
	m := objectiveForm.FindStringSubmatch(text)
	if m == nil || m[2] != "" {
		return "", "", false
	}
	return m[1], m[3] + m[4], true
}
