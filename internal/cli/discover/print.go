package discover

import (
	"fmt"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/cost"
	"gitlab.com/nines-sre/nines/internal/discover"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/render/term"
	"gitlab.com/nines-sre/nines/internal/run/survey"
)

// Answer is what `nines discover -o json` prints.
type Answer struct {
	Services   []Service   `json:"services"`
	Alarms     []Alarm     `json:"alarms"`
	Objectives []Objective `json:"application_signals"`
	Notes      []string    `json:"notes"`
	Requests   int64       `json:"list_requests"`
	Currency   string      `json:"currency"`
	PricesOf   string      `json:"prices_of"` // date of the price file
}

// Service is one service. Prices are a month's.
type Service struct {
	Name        string        `json:"name"`
	Kind        string        `json:"kind"`
	Region      string        `json:"region,omitempty"`
	Available   discover.Part `json:"available"`
	Latency     discover.Part `json:"latency"`
	Metrics     int64         `json:"metrics_a_reading"`
	EveryMinute float64       `json:"price_every_minute"`
	Adaptive    float64       `json:"price_adaptive"`
	Narrower    []string      `json:"narrower"`
	Alarms      []string      `json:"alarms"`
	Blind       string        `json:"blind_spots"`
}

// Alarm is an alarm that exists.
type Alarm struct {
	Name      string `json:"name"`
	State     string `json:"state"`
	Composite bool   `json:"composite,omitempty"`
}

// Objective is one of Application Signals.
type Objective struct {
	Name      string `json:"name"`
	ID        string `json:"id"`
	Service   string `json:"service,omitempty"`
	Operation string `json:"operation,omitempty"`
}

func answer(r survey.Report, prices cost.Prices) Answer {
	a := Answer{
		Services: []Service{}, Alarms: []Alarm{}, Objectives: []Objective{}, Notes: append([]string{}, r.Notes...),
		Requests: r.Requests, Currency: prices.Currency, PricesOf: prices.Date,
	}
	for _, s := range r.Services {
		a.Services = append(a.Services, Service{
			Name: s.Ref.String(), Kind: s.Ref.Kind, Region: s.Region, Available: s.Available, Latency: s.Latency,
			Metrics: s.Metrics, EveryMinute: s.EveryMinute, Adaptive: s.Adaptive,
			Narrower: append([]string{}, s.Narrower...), Alarms: append([]string{}, s.Alarms...), Blind: s.Blind,
		})
	}
	for _, x := range r.Alarms {
		a.Alarms = append(a.Alarms, Alarm{x.Name, x.State, x.Composite})
	}
	for _, x := range r.Objectives {
		a.Objectives = append(a.Objectives, Objective{x.Name, x.ID, x.Service, x.Operation})
	}
	return a
}

// page prints what was found.
type page struct {
	st     term.Style
	prices cost.Prices
	limit  int
	b      strings.Builder
}

func (p *page) para(tone term.Tone, text string) {
	for _, line := range term.Wrap(term.Clean(text), p.st.Width) {
		p.b.WriteString(p.st.Paint(tone, line) + "\n")
	}
}

// list prints one line a service, grouped by kind.
func (p *page) list(r survey.Report) string {
	p.para(term.Strong, p.summary(r))
	for _, note := range r.Notes {
		p.para(term.Notice, "note: "+note)
	}
	for _, kind := range discover.Kinds() {
		p.kind(kind, slices.DeleteFunc(slices.Clone(r.Services), func(s survey.Service) bool { return s.Ref.Kind != kind }))
	}
	p.alarms(r.Alarms)
	p.managed(r.Objectives)
	if len(r.Services) > 0 {
		p.b.WriteString("\n")
		p.para(term.Faint, "`nines discover "+r.Services[0].Ref.String()+"` shows one in detail, `nines try "+r.Services[0].Ref.String()+"` measures it.")
	}
	return p.b.String()
}

func (p *page) summary(r survey.Report) string {
	minute, adaptive, able := 0.0, 0.0, 0
	for _, s := range r.Services {
		minute, adaptive = minute+s.EveryMinute, adaptive+s.Adaptive
		if s.Able() {
			able++
		}
	}
	text := fmt.Sprintf("%s can be measured; found with %s, no datapoint read.", term.Plural(able, "service"), term.Plural(int(r.Requests), "list request"))
	if able > 0 {
		text += fmt.Sprintf(" All of them: %s a month every minute, %s adaptive (prices of %s).", p.money(minute), p.money(adaptive), p.prices.Date)
	}
	return text
}

// money prints an amount; cents matter for one service, not for all of them.
func (p *page) money(v float64) string {
	text := fmt.Sprintf("%.2f", v)
	if v > 0 && v < 0.1 {
		text = fmt.Sprintf("%.3f", v)
	}
	if p.prices.Currency == "USD" {
		return "$" + text
	}
	return text + " " + p.prices.Currency
}

func (p *page) kind(kind string, all []survey.Service) {
	if len(all) == 0 {
		return
	}
	shown := all
	if p.limit > 0 && len(all) > p.limit {
		shown = all[:p.limit]
	}
	rows := make([][]term.Cell, 0, len(shown))
	for _, s := range shown {
		rows = append(rows, []term.Cell{
			{Text: term.Clean(s.Ref.String()), Middle: true},
			state(s.Available), state(s.Latency),
			term.Text(p.price(&s, s.EveryMinute)), term.Text(p.price(&s, s.Adaptive)), term.Text(fewer(len(s.Alarms))),
		})
	}
	p.b.WriteString("\n" + p.st.Table([]term.Column{
		{Title: strings.ToUpper(kind), Min: 16, Yield: 1},
		{Title: "AVAILABLE"},
		{Title: "LATENCY"},
		{Title: "A MONTH, 1 MIN", Right: true, Drop: 1},
		{Title: "ADAPTIVE", Right: true, Drop: 2},
		{Title: "ALARMS", Right: true, Drop: 3},
	}, rows))
	if n := len(all) - len(shown); n > 0 {
		p.para(term.Faint, fmt.Sprintf("and %s more; --limit 0 shows all", term.Count(float64(n))))
	}
}

// price is blank for what cannot be measured: nothing is read, but not for free.
func (p *page) price(s *survey.Service, v float64) string {
	if !s.Able() {
		return term.Unknown
	}
	return p.money(v)
}

func fewer(n int) string {
	if n == 0 {
		return ""
	}
	return term.Count(float64(n))
}

// state is a measure's state in a cell: what is missing is named.
func state(part discover.Part) term.Cell {
	switch part.State {
	case discover.Measurable:
		return term.Toned(term.Good, "yes")
	case discover.Quiet:
		return term.Toned(term.Good, "yes, none failed")
	case discover.Refused:
		return term.Toned(term.Faint, "not from this")
	case discover.Missing:
	}
	return term.Toned(term.Notice, "no metric")
}

func (p *page) alarms(all []metric.Alarm) {
	rows := make([][]term.Cell, 0, len(all))
	for i, a := range all {
		if p.limit > 0 && i == p.limit {
			break
		}
		what := "metric"
		if a.Composite {
			what = "composite"
		}
		rows = append(rows, []term.Cell{{Text: term.Clean(a.Name), Middle: true}, term.Text(term.Clean(a.State)), term.Text(what)})
	}
	if len(rows) == 0 {
		return
	}
	p.b.WriteString("\n" + p.st.Table([]term.Column{{Title: "ALARM", Min: 16, Yield: 1}, {Title: "STATE"}, {Title: "OF"}}, rows))
	if n := len(all) - len(rows); n > 0 {
		p.para(term.Faint, fmt.Sprintf("and %s more; --limit 0 shows all", term.Count(float64(n))))
	}
}

func (p *page) managed(all []metric.Managed) {
	rows := make([][]term.Cell, 0, len(all))
	for i, m := range all {
		if p.limit > 0 && i == p.limit {
			break
		}
		rows = append(rows, []term.Cell{{Text: term.Clean(m.Name), Middle: true}, term.Text(term.Clean(m.Service)), term.Text(term.Clean(m.Operation))})
	}
	if len(rows) == 0 {
		return
	}
	p.b.WriteString("\n" + p.st.Table([]term.Column{{Title: "SLO OF APPLICATION SIGNALS", Min: 16, Yield: 1}, {Title: "SERVICE", Drop: 1}, {Title: "OPERATION", Drop: 2}}, rows))
	if n := len(all) - len(rows); n > 0 {
		p.para(term.Faint, fmt.Sprintf("and %s more; --limit 0 shows all", term.Count(float64(n))))
	}
}

// detail prints one service: its metrics, its price, and what they do not see.
func (p *page) detail(r survey.Report) string {
	s := r.Services[0]
	p.para(term.Strong, s.Ref.String())
	for _, w := range s.Ref.From()[:1] {
		p.para(term.Plain, w.Doc)
	}
	for _, note := range r.Notes {
		p.para(term.Notice, "note: "+note)
	}
	p.b.WriteString("\n")
	rows := [][]term.Cell{row("availability", s.Available), row("latency", s.Latency)}
	p.b.WriteString(p.st.Table([]term.Column{{Title: "OBJECTIVE"}, {Title: "MEASURABLE"}, {Title: "METRICS FOUND", Min: 12, Yield: 2}, {Title: "MISSING", Min: 12, Yield: 1}}, rows))
	p.b.WriteString("\n")
	if s.Able() {
		p.para(term.Plain, fmt.Sprintf("Reading it asks for %s: %s a month every minute, %s adaptive (prices of %s).",
			term.Plural(int(s.Metrics), "metric"), p.money(s.EveryMinute), p.money(s.Adaptive), p.prices.Date))
	}
	p.para(term.Plain, fmt.Sprintf("Found with %s, no datapoint read.", term.Plural(int(r.Requests), "list request")))
	if s.Region != "" {
		p.para(term.Plain, "Its metrics are in "+s.Region+".")
	}
	if len(s.Narrower) > 0 {
		p.para(term.Plain, "Parts of it: "+strings.Join(s.Narrower, ", "))
	}
	if len(s.Alarms) > 0 {
		p.para(term.Plain, "Alarms that watch it: "+strings.Join(s.Alarms, ", "))
	}
	p.b.WriteString("\n")
	p.para(term.Strong, "Not seen:")
	for _, text := range []string{s.Blind, prefixed("availability: ", s.Available.Why), prefixed("latency: ", s.Latency.Why)} {
		if text != "" {
			p.para(term.Plain, text)
		}
	}
	p.b.WriteString("\n")
	p.para(term.Faint, "next: `nines try "+s.Ref.String()+"`")
	return p.b.String()
}

func prefixed(name, text string) string {
	if text == "" {
		return ""
	}
	return name + text
}

func row(name string, part discover.Part) []term.Cell {
	return []term.Cell{term.Text(name), state(part), term.Text(strings.Join(part.Found, " ")), term.Text(strings.Join(part.Absent, " "))}
}
