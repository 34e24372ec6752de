package config

import (
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// metric is one query of a CloudWatch preset as a metricSource.
func (s *short) metric(p *Preset, m Measure, q *PresetQuery) *openslo.Node {
	if q == nil {
		return nil
	}
	for _, word := range sortedKeys(q.Instead) {
		if s.from.Get(word).IsSet() {
			return s.metric(p, m, q.Instead[word])
		}
	}
	at := s.from.Where()
	spec := openslo.NewMap(at, "region", s.from.Get("region"), "accountId", s.from.Get("accountId"), "roleArn", s.from.Get("roleArn"), "period", s.from.Get("period"))
	if p.Region != "" && !s.from.Get("region").IsSet() {
		spec.Pairs = append(spec.Pairs, openslo.Pair{Key: "region", Place: at, Value: openslo.NewText(at, p.Region)})
	}
	if q.Expression == "" {
		spec.Pairs = append(spec.Pairs, s.statistic(p, q.Metric, s.fill(q.Stat, m.Unit)).Pairs...)
	} else {
		parts := openslo.NewMap(at)
		for _, part := range q.Queries {
			parts.Pairs = append(parts.Pairs, openslo.Pair{Key: part.ID, Place: at, Value: s.statistic(p, part.Metric, s.fill(part.Stat, m.Unit))})
		}
		spec.Pairs = append(spec.Pairs, openslo.NewMap(at, "expression", q.Expression, "queries", parts).Pairs...)
	}
	source := openslo.NewMap(at, "metricSourceRef", s.from.Get("source"))
	if len(source.Pairs) == 0 {
		source = openslo.NewMap(at, "type", cloudWatch)
	}
	source.Pairs = append(source.Pairs, openslo.Pair{Key: "spec", Place: at, Value: spec})
	return openslo.NewMap(at, "metricSource", source)
}

// fill puts the bound, in the metric's unit, into a statistic.
func (s *short) fill(stat, unit string) string {
	return strings.ReplaceAll(stat, "{bound}", s.bound(unit))
}

func (s *short) statistic(p *Preset, metric, stat string) *openslo.Node {
	at := s.from.Where()
	dims := openslo.NewMap(at, p.Dimension, s.from.Get(p.Key))
	for _, w := range p.Params {
		if v := s.from.Get(w.Name); w.Dimension != "" && v.IsSet() {
			dims.Pairs = append(dims.Pairs, openslo.Pair{Key: w.Dimension, Place: v.Place, Value: v})
		}
	}
	for _, name := range sortedKeys(p.Fixed) {
		dims.Pairs = append(dims.Pairs, openslo.Pair{Key: name, Place: at, Value: openslo.NewText(at, p.Fixed[name])})
	}
	return openslo.NewMap(at, "namespace", p.Namespace, "metric", metric, "dimensions", dims, "stat", stat)
}

// csv is one column of a recorded file as a metricSource.
func (s *short) csv(good bool) *openslo.Node {
	at := s.from.Where()
	column := s.from.Get("total")
	if good {
		column = s.from.Get("available")
		if s.o.latency {
			column = s.from.Get("latency")
		}
		if s.o.latency && !column.IsSet() {
			column = openslo.NewText(at, "within_"+s.o.boundText)
		}
	}
	spec := openslo.NewMap(at, "path", s.from.Get(csvKey), "columns", s.from.Get("columns"), "column", column,
		"step", s.from.Get("step"), "timeFormat", s.from.Get("timeFormat"))
	return openslo.NewMap(at, "metricSource", openslo.NewMap(at, "type", csvKey, "spec", spec))
}

// fromShape is the shape of from: one preset's key and its words.
func fromShape() *openslo.Shape {
	var fields []openslo.Field
	var keys []string
	add := func(name string, s *openslo.Shape) {
		if !slices.ContainsFunc(fields, func(f openslo.Field) bool { return f.Name == name }) {
			fields = append(fields, openslo.May(name, s))
		}
	}
	for _, p := range Presets() {
		keys = append(keys, p.Key)
		add(p.Key, openslo.Text(p.Doc, filled()))
		for _, w := range p.params() {
			s := openslo.Text(w.Doc, filled())
			if w.Name == "columns" {
				s.Or = []*openslo.Shape{openslo.ListOf(w.Doc, 1, openslo.Text("A column.", filled()))}
			}
			if w.Name == "period" || w.Name == "step" || w.Name == "accountId" {
				s.Or = []*openslo.Shape{openslo.Num(w.Doc, nil)}
			}
			add(w.Name, s)
		}
	}
	out := openslo.Object("Where the measurements come from.", fields...)
	out.Name = "from"
	out.Groups = []openslo.Group{{Fields: keys, Required: true, Hint: "name one service: " + strings.Join(keys, ", ")}}
	return out
}

// serviceShape is the shape of our Service's spec.
func serviceShape(s *openslo.Shapes) *openslo.Shape {
	window := shortWindow(s)
	policies := openslo.ListOf("AlertPolicies by name.", 1, openslo.Text("A name.", s.Name))
	notes := openslo.MapOf("Annotations of the SLO.", &openslo.Shape{Type: openslo.String, Loose: true})
	from := fromShape()
	long := openslo.Object("An objective with more to say.",
		openslo.Need("objective", openslo.Text("99.95% available, or 99% < 300ms.", objectiveFormat())),
		openslo.May("name", openslo.Text("The SLO's name.", s.Name)), openslo.May("displayName", openslo.Text("The objective's name.", filled())),
		openslo.May("description", openslo.Text("What it is for.", nil)), openslo.May("window", window), openslo.May("timeSliceWindow", lengthShape("The length of a slice, where slices are judged.")),
		openslo.May("from", from), openslo.May("alertPolicies", policies), openslo.May("annotations", notes))
	entry := openslo.Text("99.95% available, or 99% < 300ms.", objectiveFormat())
	entry.Or = []*openslo.Shape{long}
	return openslo.Object("A service and its objectives, in short.",
		openslo.May("description", openslo.Text("What it is for.", nil)), openslo.May("owner", openslo.Text("Who looks after it.", filled())),
		openslo.Need("from", from), openslo.Need("objectives", openslo.ListOf("The objectives.", 1, entry)),
		openslo.May("window", window), openslo.May("timeSliceWindow", lengthShape("The length of a slice, where slices are judged.")),
		openslo.May("alertPolicies", policies), openslo.May("dependsOn", openslo.ListOf("Services, or service/slo, it depends on.", 1, refShape("", false))),
		openslo.May("paths", openslo.ListOf("The paths of a repository that are its own, from its root.", 1, openslo.Text("A pattern: services/payment, libs/pay*/**.", globFormat()))))
}

// shortWindow is a window in short.
func shortWindow(s *openslo.Shapes) *openslo.Shape {
	calendar := openslo.Object("A calendar window.", openslo.Need("duration", openslo.Text("Its length: 1M, 1w.", s.Duration)),
		openslo.Need("startTime", openslo.Text("When a first period begins.", openslo.StartFormat())),
		openslo.Need("timeZone", openslo.Text("An IANA time zone.", openslo.ZoneFormat())))
	window := lengthShape("The window: a rolling length such as 28d, or a calendar's duration, startTime and timeZone.")
	window.Or = []*openslo.Shape{calendar}
	return window
}
