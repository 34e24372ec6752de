// Package grafana writes a dashboard of Grafana for objectives whose data
// Prometheus or CloudWatch has: how good, how fast budget burns, what is left. Of
// Prometheus it reads what the rules of package prometheus record. The same
// objectives give the same bytes.
package grafana

import (
	"fmt"
	"maps"
	"slices"

	"gitlab.com/nines-sre/nines/internal/render/alarms"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// object is a JSON object; encoding/json writes its fields in order of names.
type object map[string]any

// Names of series that rules record.
type Names struct{ Total, Bad, Burn, Remaining string }

// Options steer Dashboard.
type Options struct {
	Title string
	UID   string // of letters, digits, "-" and "_", at most 40
	// Names are those of the recorded series, Recorded says of which objectives,
	// by key, there are some.
	Names    Names
	Recorded map[string]bool
}

// Dashboard writes the dashboard. The notes say what is not in it.
func Dashboard(objectives []alarms.Objective, opt Options) ([]byte, []alarms.Note, error) {
	b := &board{opt: opt}
	var notes []alarms.Note
	service := ""
	for i := range objectives {
		o := &objectives[i]
		draw := b.recorded
		if !opt.Recorded[o.Key()] {
			w, why := alarms.WatchOf(o)
			if why != "" {
				notes = append(notes, alarms.Note{Objective: o.Key(), Text: why})
				continue
			}
			draw = func(o *alarms.Objective) { b.watched(o, &w) }
		}
		if o.Service != service {
			service = o.Service
			b.row(service)
		}
		draw(o)
	}
	out, err := alarms.Encode("a dashboard", object{
		"title": opt.Title, "uid": opt.UID, "schemaVersion": 39, "version": 1, "editable": true,
		"tags": []string{"nines", "slo"}, "timezone": "utc", "refresh": "1m",
		"time":        object{"from": "now-24h", "to": "now"},
		"annotations": object{"list": []any{}}, "links": []any{}, "panels": b.panels,
		"templating": object{"list": b.variables()},
	})
	return out, notes, err
}

// board is a dashboard in the making.
type board struct {
	opt    Options
	panels []object
	y      int
	kinds  []string // of data sources
}

// variables let the reader choose the data sources.
func (b *board) variables() []object {
	out := []object{}
	for _, kind := range []string{"prometheus", "cloudwatch"} {
		if slices.Contains(b.kinds, kind) {
			out = append(out, object{"name": kind, "type": "datasource", "query": kind, "label": kind, "current": object{}, "hide": 0})
		}
	}
	return out
}

func (b *board) source(kind string) object {
	if !slices.Contains(b.kinds, kind) {
		b.kinds = append(b.kinds, kind)
	}
	return object{"type": kind, "uid": "${" + kind + "}"}
}

func (b *board) row(title string) {
	b.panels = append(b.panels, object{
		"id": len(b.panels) + 1, "type": "row", "title": title, "collapsed": false,
		"gridPos": object{"x": 0, "y": b.y, "w": 24, "h": 1}, "panels": []any{},
	})
	b.y++
}

// panel adds a panel at a column; targets are its queries.
func (b *board) panel(kind, title string, x, width int, more object) {
	p := object{
		"id": len(b.panels) + 1, "type": kind, "title": title,
		"gridPos": object{"x": x, "y": b.y, "w": width, "h": 7},
	}
	maps.Copy(p, more)
	b.panels = append(b.panels, p)
}

// field is how values are shown; lines are thresholds that are drawn.
func field(unit string, lines ...float64) object {
	steps := []object{{"color": "green", "value": nil}}
	for _, v := range lines {
		steps = append(steps, object{"color": "red", "value": v})
	}
	defaults := object{"unit": unit, "thresholds": object{"mode": "absolute", "steps": steps}}
	if len(lines) > 0 {
		defaults["custom"] = object{"thresholdsStyle": object{"mode": "line"}}
	}
	return object{"defaults": defaults, "overrides": []any{}}
}

// lines are the thresholds of the conditions, ascending.
func lines(o *alarms.Objective) (out []float64) {
	for i := range o.Conditions {
		v, _ := o.Conditions[i].Threshold.Rat().Float64()
		out = append(out, v)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// recorded shows what rules of Prometheus record of an objective.
func (b *board) recorded(o *alarms.Objective) {
	src := b.source("prometheus")
	of := func(name string) string {
		return fmt.Sprintf("%s{service=%q, slo=%q, objective=%q}", name, o.Service, o.SLO, o.Name)
	}
	query := func(ref, expr, legend string) object {
		return object{"refId": ref, "datasource": src, "expr": expr, "legendFormat": legend}
	}
	n := b.opt.Names
	x, width := 0, 14
	if _, rolling := o.Window.(slo.Rolling); rolling {
		b.panel("stat", o.SLO+" "+o.Name+": budget left", 0, 4, object{
			"datasource": src, "fieldConfig": field("percentunit"), "targets": []object{query("A", of(n.Remaining), "left")},
		})
		x, width = 4, 10
	}
	b.panel("timeseries", o.SLO+" "+o.Name+": burn rate", x, width, object{
		"datasource": src, "fieldConfig": field("none", lines(o)...), "targets": []object{query("A", of(n.Burn), "{{window}}")},
	})
	b.panel("timeseries", o.SLO+" "+o.Name+": events a minute", 14, 10, object{
		"datasource": src, "fieldConfig": field("short"),
		"targets": []object{query("A", of(n.Total), "all"), query("B", of(n.Bad), "bad")},
	})
	b.y += 7
}

// watched shows what CloudWatch has of an objective.
func (b *board) watched(o *alarms.Objective, w *alarms.Watch) {
	src := b.source("cloudwatch")
	name := o.SLO + " " + o.Name
	if w.Value != "" {
		bound, _ := slo.MustDecimal(w.Bound).Rat().Float64()
		b.panel("timeseries", name+": value", 0, 24, object{
			"datasource": src, "fieldConfig": field("none", bound), "targets": targets(src, w, "v_", w.Step, w.Value, "value"),
		})
		b.y += 7
		return
	}
	windows := []slo.Minute{5, slo.Hour}
	if len(o.Conditions) > 0 {
		windows = []slo.Minute{o.Conditions[0].Short, o.Conditions[0].Long}
	}
	var burn []object
	for i, length := range slices.Compact(windows) {
		length = min(max(length, w.Step), slo.Day)
		burn = append(burn, targets(src, w, fmt.Sprintf("w%d_", i), length, w.Burn, "burn "+slo.FormatLength(length))...)
	}
	x, width := 0, 24
	if w.Total != "" {
		width = 14
		events := append(targets(src, w, "e_", 5, w.Bad, "bad"), formula(src, w, "e_all", 5, w.Rename(w.Total, "e_"), "all"))
		b.panel("timeseries", name+": events in 5 min", 14, 10, object{"datasource": src, "fieldConfig": field("short"), "targets": events})
	}
	b.panel("timeseries", name+": burn rate", x, width, object{
		"datasource": src, "fieldConfig": field("none", lines(o)...), "targets": burn,
	})
	b.y += 7
}

// targets are the queries of a formula, hidden, and the formula.
func targets(src object, w *alarms.Watch, prefix string, period slo.Minute, text, label string) []object {
	var out []object
	for _, q := range w.Queries {
		if q.Metric == nil {
			t := formula(src, w, prefix+q.ID, period, w.Rename(q.Expression, prefix), q.ID)
			t["hide"] = true
			if q.SQL {
				t["expression"], t["metricQueryType"], t["metricEditorMode"], t["sqlExpression"] = "", 1, 1, q.Expression
			}
			out = append(out, t)
			continue
		}
		dims := object{}
		for _, d := range q.Metric.Dimensions {
			dims[d.Name] = []string{d.Value}
		}
		out = append(out, object{
			"refId": prefix + q.ID, "id": prefix + q.ID, "datasource": src, "queryMode": "Metrics", "metricQueryType": 0, "metricEditorMode": 0,
			"namespace": q.Metric.Namespace, "metricName": q.Metric.Name, "dimensions": dims, "matchExact": true, "statistic": q.Metric.Stat,
			"period": seconds(period), "region": region(w), "expression": "", "hide": true, "accountId": q.Account,
		})
	}
	return append(out, formula(src, w, prefix+"out", period, w.Rename(text, prefix), label))
}

func formula(src object, w *alarms.Watch, id string, period slo.Minute, text, label string) object {
	return object{
		"refId": id, "id": id, "datasource": src, "queryMode": "Metrics", "metricQueryType": 0, "metricEditorMode": 1,
		"expression": text, "label": label, "period": seconds(period), "region": region(w), "hide": false,
	}
}

func seconds(m slo.Minute) string { return fmt.Sprint(int64(m) * 60) }

// region is where the metrics are; "default" is the data source's own.
func region(w *alarms.Watch) string {
	if w.Region == "" {
		return "default"
	}
	return w.Region
}
