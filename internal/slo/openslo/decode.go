package openslo

import (
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Decode checks one document of openslo/v1 against its shape and decodes it.
// Everything wrong is reported; what could be understood is returned, nil where
// the kind is not known.
func (s *Shapes) Decode(n *Node, r *Report) *Document {
	kind := n.Get("kind").Str()
	shape := s.Kind(kind)
	if shape == nil {
		unknownKind(n, kind, r)
		return nil
	}
	shape.Check(n, r)
	doc := &Document{Kind: kind, Meta: DecodeMeta(n.Get("metadata")), Place: n.Place}
	d := decoder{r}
	spec := n.Get("spec")
	switch kind {
	case "DataSource":
		doc.DataSource = &DataSource{
			Meta: doc.Meta, Description: spec.Get("description").Str(),
			Type: ref(spec.Get("type")), Details: spec.Get("connectionDetails"),
		}
	case "Service":
		doc.Service = &Service{doc.Meta, spec.Get("description").Str()}
	case "SLI":
		doc.SLI = d.sli(doc.Meta, spec)
	case "SLO":
		doc.SLO = d.slo(doc.Meta, spec)
	case "AlertCondition":
		doc.Condition = d.condition(doc.Meta, spec)
	case "AlertNotificationTarget":
		doc.Target = targetOf(doc.Meta, spec)
	case "AlertPolicy":
		doc.Policy = d.policy(doc.Meta, spec)
	}
	return doc
}

func unknownKind(n *Node, kind string, r *Report) {
	switch {
	case n == nil || n.Kind != Map:
		r.Errorf(n.Where(), "wrong-type", "a document has apiVersion, kind, metadata and spec", "a document must be a mapping, not %s", kindOf(n))
	case kind == "":
		r.Errorf(n.Place, "missing-field", "known are "+strings.Join(Kinds(), ", "), "document needs the field %q", "kind")
	default:
		r.Errorf(n.Get("kind").Where(), "unknown-kind", DidYouMean(kind, Kinds()), "%s has no kind %q", Version, short(kind))
	}
}

func kindOf(n *Node) string {
	if n == nil {
		return Null.String()
	}
	return n.Kind.String()
}

func ref(n *Node) Ref { return Ref{n.Str(), n.Where()} }

// DecodeMeta reads metadata.
func DecodeMeta(n *Node) Meta {
	m := Meta{Name: n.Get("name").Str(), DisplayName: n.Get("displayName").Str(), Place: n.Get("name").Where()}
	if m.Name == "" {
		m.Place = n.Where()
	}
	for key, v := range n.Get("labels").Entries() {
		if m.Labels == nil {
			m.Labels = map[string][]string{}
		}
		m.Labels[key] = v.Strings()
	}
	notes := n.Get("annotations")
	for key, v := range notes.Entries() {
		m.Annotations = append(m.Annotations, Annotation{key, v.Str(), v.Where(), notes.KeyPlace(key)})
	}
	return m
}

// decoder decodes what the shape has checked, and checks inside one document
// what a shape cannot say.
type decoder struct{ r *Report }

func (d decoder) sli(m Meta, spec *Node) *SLI {
	if !spec.IsSet() {
		return nil
	}
	out := &SLI{Meta: m, Description: spec.Get("description").Str(), Threshold: d.metric(spec.Get("thresholdMetric")), Place: spec.Place}
	if ratio := spec.Get("ratioMetric"); ratio.IsSet() {
		out.Ratio = d.ratio(ratio)
	}
	return out
}

func (d decoder) ratio(n *Node) *Ratio {
	out := &Ratio{
		Counter: n.Get("counter").True(), Failure: n.Get("rawType").Str() == "failure",
		Good: d.metric(n.Get("good")), Bad: d.metric(n.Get("bad")),
		Total: d.metric(n.Get("total")), Raw: d.metric(n.Get("raw")),
	}
	switch {
	case out.Raw != nil && !n.Get("rawType").IsSet():
		d.r.Errorf(n.KeyPlace("raw"), "missing-field", "success for good/total, failure for bad/total", "raw needs the field %q beside it", "rawType")
	case out.Raw == nil && n.Get("rawType").IsSet():
		d.r.Warnf(n.KeyPlace("rawType"), "unused-field", "rawType belongs to raw", "rawType has no effect without raw")
	}
	if out.Raw == nil && n.Get("counter") == nil {
		d.r.Warnf(n.Place, "missing-field", "write counter: false, or true where the values only ever grow", "ratioMetric has no %q", "counter")
	}
	return out
}

// DecodeMetric decodes a series that stands in a document of another kind; nil
// where there is none.
func DecodeMetric(n *Node, r *Report) *Metric { return decoder{r: r}.metric(n) }

func (d decoder) metric(n *Node) *Metric {
	if !n.IsSet() {
		return nil
	}
	src := n.Get("metricSource")
	out := &Metric{Source: ref(src.Get("metricSourceRef")), Type: ref(src.Get("type")), Spec: src.Get("spec"), Place: n.Place}
	if out.Spec.IsSet() && out.Spec.Kind == Map && len(out.Spec.Pairs) == 0 {
		d.r.Errorf(out.Spec.Place, "empty-query", "", "the spec of a metricSource must say what to ask for")
	}
	if src.IsSet() && out.Source.Name == "" && out.Type.Name == "" {
		d.r.Errorf(src.Place, "missing-field", "name a DataSource by metricSourceRef, or a type", "metricSource needs metricSourceRef or type")
	}
	return out
}

func (d decoder) inlineSLI(n *Node) *SLI {
	if !n.IsSet() {
		return nil
	}
	out := d.sli(DecodeMeta(n.Get("metadata")), n.Get("spec"))
	if out != nil {
		out.Place = n.Place
	}
	return out
}

func (d decoder) condition(m Meta, spec *Node) *AlertCondition {
	c := spec.Get("condition")
	out := &AlertCondition{
		Meta: m, Description: spec.Get("description").Str(), Severity: ref(spec.Get("severity")),
		Threshold: decimal(c.Get("threshold")), ThresholdPlace: c.Get("threshold").Where(),
		Lookback: length(c.Get("lookbackWindow")), LookbackPlace: c.Get("lookbackWindow").Where(),
		After: length(c.Get("alertAfter")),
	}
	if op := c.Get("op"); strings.HasPrefix(op.Str(), "lt") {
		d.r.Warnf(op.Place, "wrong-operator", "write gt", "a burn rate alerts when it is above its threshold; %s would alert on a healthy service and is read as gt", op.Text)
	}
	if w := c.Get("lookbackWindow"); out.Lookback > 0 && strings.ContainsAny(w.Str(), "MQY") {
		d.r.Warnf(w.Place, "calendar-length", "write days", "a look-back of %s is read as %s", w.Text, slo.FormatLength(out.Lookback))
	}
	return out
}

func targetOf(m Meta, spec *Node) *AlertNotificationTarget {
	out := &AlertNotificationTarget{m, spec.Get("description").Str(), spec.Get("target").Str(), m.Place}
	if at := spec.Get("target"); at.IsSet() {
		out.Place = at.Place
	}
	return out
}

func (d decoder) policy(m Meta, spec *Node) *AlertPolicy {
	out := &AlertPolicy{
		Meta: m, Description: spec.Get("description").Str(), NoData: spec.Get("alertWhenNoData").True(),
		Breaching: spec.Get("alertWhenBreaching").True(), Resolved: spec.Get("alertWhenResolved").True(),
	}
	for _, c := range spec.Get("conditions").List() {
		e := ConditionRef{Ref: ref(c.Get("conditionRef"))}
		if in := c.Get("spec"); in.IsSet() {
			e.Inline = d.condition(d.inlineMeta(c, "AlertCondition"), in)
		}
		out.Conditions = append(out.Conditions, e)
	}
	for _, t := range spec.Get("notificationTargets").List() {
		e := TargetRef{Ref: ref(t.Get("targetRef"))}
		if in := t.Get("spec"); in.IsSet() {
			e.Inline = targetOf(d.inlineMeta(t, "AlertNotificationTarget"), in)
		}
		out.Targets = append(out.Targets, e)
	}
	return out
}

// inlineMeta reads the metadata of an inlined object, and asks for the kind
// that OpenSLO wants beside it.
func (d decoder) inlineMeta(n *Node, kind string) Meta {
	if !n.Get("kind").IsSet() {
		d.r.Warnf(n.Place, "missing-field", "write kind: "+kind, "an object written in place needs its %q", "kind")
	}
	if !n.At("metadata", "name").IsSet() {
		d.r.Warnf(n.Place, "missing-field", "write metadata: {name: ...}", "an object written in place needs a name")
	}
	m := DecodeMeta(n.Get("metadata"))
	if m.Name == "" {
		m.Place = n.Place
	}
	return m
}

// decimal reads a number that the shape has checked; 0 where it was wrong.
func decimal(n *Node) slo.Decimal {
	v, err := slo.ParseDecimal(n.Str())
	if err != nil || n.Kind != Number {
		return slo.Decimal{}
	}
	return v
}

func length(n *Node) slo.Minute {
	if !n.IsSet() {
		return 0
	}
	m, err := Length(n.Text)
	if err != nil {
		return 0
	}
	return m
}

func opOf(s string) (slo.Op, bool) {
	i := slices.Index([]string{"lt", "lte", "gt", "gte"}, s)
	return slo.Op(max(i, 0)), i >= 0
}
