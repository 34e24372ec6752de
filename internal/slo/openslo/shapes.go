package openslo

import (
	"strings"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Version is the apiVersion of OpenSLO's documents here.
const Version = "openslo/v1"

// Kinds are the seven kinds of openslo/v1.
func Kinds() []string {
	return []string{"AlertCondition", "AlertNotificationTarget", "AlertPolicy", "DataSource", "SLI", "SLO", "Service"}
}

// The keys of labels and annotations, after OpenSLO.
const (
	labelKey      = `^[a-zA-Z0-9]([-._a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$`
	annotationKey = `^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*/)?[a-zA-Z0-9]([-._a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$`
)

// Shapes is the table of all kinds. It is made once by [NewShapes] and only
// read afterwards.
type Shapes struct {
	kinds      map[string]*Shape
	Metadata   *Shape
	Name       *Format
	Duration   *Format
	annotation *Format
}

// NewShapes makes the table of OpenSLO's kinds.
func NewShapes() *Shapes {
	s := &Shapes{Name: NameFormat(), Duration: DurationFormat(), kinds: map[string]*Shape{}}
	s.annotation = patternFormat("annotation", annotationKey, "a name with an optional DNS prefix, as in example.com/team")
	s.Metadata = s.metadata(true)
	sli := s.sli()
	cond, target := s.condition(), targetShape()
	policy := s.policy(cond, target)
	for kind, spec := range map[string]*Shape{
		"DataSource": dataSourceShape(), "Service": serviceShape(), "SLI": sli, "SLO": s.slo(sli, policy),
		"AlertCondition": cond, "AlertNotificationTarget": target, "AlertPolicy": policy,
	} {
		s.kinds[kind] = s.Document(Version, kind, spec)
	}
	return s
}

// Kind is the shape of a whole document of a kind, or nil.
func (s *Shapes) Kind(kind string) *Shape { return s.kinds[kind] }

// Document wraps a kind's spec into a document.
func (s *Shapes) Document(version, kind string, spec *Shape) *Shape {
	return &Shape{Type: Map, Name: kind, Doc: spec.Doc, Fields: []Field{
		Need("apiVersion", OneOf("The version of the document's form.", version)),
		Need("kind", OneOf("What the document describes.", kind)),
		Need("metadata", s.Metadata),
		{Name: "spec", Shape: spec, Required: kind != "Service"},
	}}
}

func (s *Shapes) metadata(named bool) *Shape {
	label := &Shape{
		Type: String, Loose: true, Doc: "One value, or a list of them.",
		Or: []*Shape{ListOf("", 0, &Shape{Type: String, Loose: true})},
	}
	labels := MapOf("Keys and values for people and filters.", label)
	labels.Key = patternFormat("label", labelKey, "letters, digits, -, _ and ., at most 63")
	notes := MapOf("Keys and values for programs. Those that begin with nines/ are ours.", &Shape{Type: String, Loose: true})
	notes.Key = s.annotation
	m := Object("How the object is called.",
		Field{Name: "name", Shape: Text("A name after RFC 1123, unique among its kind.", s.Name), Required: named},
		May("displayName", Text("A name for people.", lengthFormat("text", maxName))),
		May("labels", labels), May("annotations", notes))
	if named {
		m.Name = "metadata"
	}
	return m
}

func description() Field {
	return May("description", Text("What it is for, at most 1050 letters.", lengthFormat("description", maxDescription)))
}

func dataSourceShape() *Shape {
	return Object("Where a kind of source is and how to reach it.",
		description(),
		Need("type", Text("The kind of source: CloudWatch, csv.", filledFormat())),
		May("connectionDetails", MapOf("What the source needs to be reached, in its own words.", Any(""))))
}

func serviceShape() *Shape {
	return Object("A service that objectives are about.", description())
}

// Metric is the shape of one series at a source.
func (s *Shapes) Metric() *Shape {
	metric := Object("A series.", Need("metricSource", s.metricSource()))
	metric.Name = "metric"
	return metric
}

func (s *Shapes) sli() *Shape {
	metric := s.Metric()
	ratio := Object("Good (or bad) events against all of them.",
		Field{Name: "counter", Shape: Flag("The values only ever grow, and must be differenced.")},
		May("good", metric), May("bad", metric), May("total", metric),
		May("rawType", OneOf("How the ready-made ratio was made: success is good/total.", "success", "failure")),
		May("raw", metric))
	ratio.Groups = []Group{
		{Fields: []string{"total", "raw"}, Required: true, Hint: "a ratio is good and total, bad and total, or raw and rawType"},
		{Fields: []string{"good", "bad", "raw"}, Required: true, Hint: "a ratio is good and total, bad and total, or raw and rawType"},
	}
	spec := Object("What is measured.", description(), May("thresholdMetric", metric), May("ratioMetric", ratio))
	spec.Name = "indicator"
	spec.Groups = []Group{{Fields: []string{"ratioMetric", "thresholdMetric"}, Required: true}}
	return spec
}

func (s *Shapes) metricSource() *Shape {
	spec := MapOf("The query, in the words of the source.", Any(""))
	src := Object("Where the series comes from.",
		May("metricSourceRef", Text("The name of a DataSource.", s.Name)),
		May("type", Text("The kind of source, where no DataSource is named.", filledFormat())),
		Need("spec", spec))
	src.Name = "metricSource"
	return src
}

// inline is an object written where a reference could stand; its name is
// optional here, because the place names it.
func (s *Shapes) inline(kind string, spec *Shape) []Field {
	fields := []Field{May("metadata", s.metadata(false)), May("spec", spec)}
	if kind != "" {
		fields = append(fields, May("kind", OneOf("The inlined kind.", kind)))
	}
	return fields
}

func (s *Shapes) refOrInline(ref, kind string, spec *Shape) *Shape {
	out := Object("A reference by name, or the "+kind+" itself.", append(s.inline(kind, spec), May(ref, Text("The name of the "+kind+".", s.Name)))...)
	out.Groups = []Group{{Fields: []string{ref, "spec"}, Required: true, Hint: "name one by " + ref + ", or write it here with kind, metadata and spec"}}
	return out
}

func (s *Shapes) condition() *Shape {
	cond := Object("When it is true.",
		Field{Name: "kind", Shape: OneOf("The kind of condition.", "burnrate"), Advised: "write kind: burnrate"},
		Field{Name: "op", Shape: OneOf("How the burn rate is compared.", "gt", "gte", "lt", "lte"), Advised: "write op: gt"},
		Need("threshold", Num("The burn rate above which it is true. 1 spends exactly the budget in the window.", PositiveFormat())),
		Need("lookbackWindow", Text("The long look-back.", s.Duration)),
		May("alertAfter", Text("How long it must be true before an alert.", alertAfterFormat())))
	spec := Object("A burn rate that calls for somebody.", description(),
		Need("severity", Text("Whom it reaches: page or ticket, or a word that stands for one of them.", filledFormat())),
		Need("condition", cond))
	spec.Name = "condition"
	return spec
}

// alertAfterFormat is a duration that may be zero, its default.
func alertAfterFormat() *Format {
	return newFormat("duration", `^[0-9]+[mhdw]$`, func(text string) (string, string) {
		if _, err := slo.ParseLength(text); err != nil && strings.Trim(text, "0") != "m" {
			return "is wrong: " + err.Error(), ""
		}
		return "", ""
	})
}

func targetShape() *Shape {
	spec := Object("Where alerts go.", description(), Need("target", Text("Where: an address (slack:$NAME, sns:arn:...), or a kind of target beside the annotation nines/address.", filledFormat())))
	spec.Name = "target"
	return spec
}

func (s *Shapes) policy(cond, target *Shape) *Shape {
	conds := ListOf("The condition; OpenSLO allows one.", 1, s.refOrInline("conditionRef", "AlertCondition", cond))
	conds.Max = 1
	spec := Object("Which condition alerts whom.", description(),
		May("alertWhenNoData", Flag("Alert when nothing is known.")),
		May("alertWhenBreaching", Flag("Alert when the condition becomes true.")),
		May("alertWhenResolved", Flag("Tell when it is over.")),
		Need("conditions", conds),
		Field{Name: "notificationTargets", Shape: ListOf("Who is told.", 1, s.refOrInline("targetRef", "AlertNotificationTarget", target)), Advised: "an alert that reaches nobody helps nobody"})
	spec.Name = "policy"
	return spec
}
