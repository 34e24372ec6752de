package alarms

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// maxWidgets is how many widgets CloudWatch takes in a dashboard.
const maxWidgets = 500

// Dashboard is a dashboard of CloudWatch: three graphs for each objective.
type Dashboard struct {
	Name string
	rows [][]widget
	size int
}

// widget is a widget as CloudWatch reads it.
type widget struct {
	Type       string         `json:"type"`
	X          int            `json:"x"`
	Y          int            `json:"y"`
	Width      int            `json:"width"`
	Height     int            `json:"height"`
	Properties map[string]any `json:"properties"`
}

// Body writes the dashboard's body; region is that of widgets, in the words of
// whatever writes the template.
func (d *Dashboard) Body(region string) (string, error) {
	all := []widget{}
	y := 0
	for _, row := range d.rows {
		x, tallest := 0, 0
		for _, w := range row {
			if x+w.Width > 24 {
				x, y, tallest = 0, y+tallest, 0
			}
			w.X, w.Y = x, y
			x, tallest = x+w.Width, max(tallest, w.Height)
			if w.Type == "metric" {
				props := map[string]any{"region": region}
				maps.Copy(props, w.Properties)
				w.Properties = props
			}
			all = append(all, w)
		}
		y += tallest
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(map[string]any{"widgets": all})
	return string(bytes.TrimSpace(b.Bytes())), err
}

// widgets are the graphs of an objective.
func widgets(o *Objective, m *measured) []widget {
	text := fmt.Sprintf("### %s\ntarget %s over %s", Clean(o.Key()), o.Target, o.Window)
	out := []widget{{Type: "text", Width: 24, Height: 2, Properties: map[string]any{"markdown": text}}}
	if m.value != "" {
		return append(out, m.valueWidget())
	}
	number := graph("Good, % of the time shown", m.entries("", m.queries, 300, false), entry("share", m.good(), "good", 300))
	number["view"], number["setPeriodToTimeRange"] = "singleValue", true
	out = append(out, widget{Type: "metric", Width: 6, Height: 6, Properties: number}, m.burnWidget(o))
	if m.total != "" {
		events := graph("Events in 5 min", m.entries("", m.queries, 300, false),
			entry("all", "FILL(total, 0)", "all", 300), entry("failed", m.bad, "bad", 300))
		out = append(out, widget{Type: "metric", Width: 8, Height: 6, Properties: events})
	}
	return out
}

// burnWidget shows the burn rates over the windows of the first page condition,
// with its threshold.
func (m *measured) burnWidget(o *Objective) widget {
	windows := []slo.Minute{5, slo.Hour}
	var lines []any
	for i := range o.Conditions {
		c := &o.Conditions[i]
		if i == 0 {
			windows = []slo.Minute{c.Short, c.Long}
		}
		threshold, _ := c.Threshold.Rat().Float64()
		lines = append(lines, map[string]any{"label": c.Name, "value": threshold})
	}
	var metrics []any
	for i, w := range slices.Compact(windows) {
		w = min(ceil(w, m.step), longest)
		prefix := fmt.Sprintf("w%d_", i)
		metrics = append(metrics, m.entries(prefix, m.queries, int64(w)*60, false)...)
		metrics = append(metrics, entry(prefix+"burn", rename(m.burn(false), m.names(prefix)), "burn "+slo.FormatLength(w), int64(w)*60))
	}
	props := graph("Burn rate", metrics)
	if len(lines) > 0 {
		props["annotations"] = map[string]any{"horizontal": lines}
	}
	return widget{Type: "metric", Width: 10, Height: 6, Properties: props}
}

// valueWidget shows what is judged slice by slice, with its bound.
func (m *measured) valueWidget() widget {
	seconds := int64(m.slice) * 60
	metrics := m.entries("", m.queries, seconds, true)
	props := graph("Value of each "+slo.FormatLength(m.slice), metrics)
	bound, err := slo.ParseDecimal(m.bound)
	if err == nil {
		value, _ := bound.Rat().Float64()
		props["annotations"] = map[string]any{"horizontal": []any{map[string]any{"label": "bound", "value": value}}}
	}
	return widget{Type: "metric", Width: 24, Height: 6, Properties: props}
}

// names are the queries' names behind a prefix.
func (m *measured) names(prefix string) map[string]string {
	out := map[string]string{}
	for _, q := range m.queries {
		out[q.ID] = prefix + q.ID
	}
	return out
}

// graph is a widget's properties.
func graph(title string, metrics []any, more ...any) map[string]any {
	return map[string]any{"title": title, "view": "timeSeries", "stacked": false, "metrics": append(metrics, more...)}
}

func entry(id, expression, label string, seconds int64) []any {
	return []any{map[string]any{"id": id, "expression": expression, "label": label, "period": seconds}}
}

// entries are queries as a widget lists them; last shows the last one.
func (m *measured) entries(prefix string, queries []Query, seconds int64, last bool) (out []any) {
	names := m.names(prefix)
	for i, q := range queries {
		props := map[string]any{"id": prefix + q.ID, "visible": last && i == len(queries)-1, "period": seconds}
		if q.Account != "" {
			props["accountId"] = q.Account
		}
		if q.Metric == nil {
			props["expression"] = q.Expression
			if !q.SQL {
				props["expression"] = rename(q.Expression, names)
			}
			out = append(out, []any{props})
			continue
		}
		props["stat"] = q.Metric.Stat
		if q.Metric.Unit != "" {
			props["unit"] = q.Metric.Unit
		}
		one := []any{q.Metric.Namespace, q.Metric.Name}
		for _, d := range q.Metric.Dimensions {
			one = append(one, d.Name, d.Value)
		}
		out = append(out, append(one, props))
	}
	return out
}
