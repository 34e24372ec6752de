package watch

import (
	"context"
	"fmt"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	render "gitlab.com/nines-sre/nines/internal/render/gitlab"
	"gitlab.com/nines-sre/nines/internal/run/incident"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Incidents is where incidents are opened for people. Errors are of package fault.
type Incidents interface {
	// Report opens the incident with exactly this title, or adds the text to the one
	// that is open, and returns its address.
	Report(ctx context.Context, title, text string) (address string, err error)
}

// report opens an incident and records that users were hurt.
func (w *watcher) report(ctx context.Context) {
	if w.opt.Incidents != nil {
		address, err := w.opt.Incidents.Report(ctx, w.title(), w.text())
		if err != nil {
			w.note("no incident could be opened: %v", err)
			if h := fault.HintOf(err); h != "" {
				w.note("%s", h)
			}
		}
		w.out.Incident = address
	}
	from := w.out.Result.Since
	if from == 0 {
		from = w.span().From
	}
	in := incident.Incident{
		Environment: w.opt.Environment, Deploy: w.opt.Version, Deployed: w.deployed, From: from.Time(),
		Reason: w.out.Decision.Reasons[0].Text, Decision: w.out.Decision.ID, Address: w.out.Incident, Stage: Stage,
	}
	if u := w.out.Undo; u != nil && u.Done && u.Verified != NotRecovered {
		in.To = u.At
	}
	if w.env.Ledger == nil {
		return
	}
	if _, err := w.write(ctx, w.out.ID+"/incident", ledger.KindIncident, in); err != nil {
		w.note("the incident could not be recorded: %v", err)
	}
}

// title is the same for every report about one deployment.
func (w *watcher) title() string {
	s := w.opt.Service
	if w.opt.Version != "" {
		s += " " + w.opt.Version
	}
	if w.opt.Environment != "" {
		s += " in " + w.opt.Environment
	}
	return s + " hurts (deployed " + w.deployed.Format("2006-01-02 15:04 UTC") + ")"
}

// text is the evidence, in Markdown.
func (w *watcher) text() string {
	var b strings.Builder
	for i, r := range w.out.Decision.Reasons {
		if i == 0 {
			fmt.Fprintf(&b, "**%s**\n\n", render.Escape(r.Text))
			continue
		}
		fmt.Fprintf(&b, "- %s: %s\n", r.Code, render.Escape(r.Text))
	}
	if t := w.out.Undo.Text(); t != "" {
		fmt.Fprintf(&b, "\n**Rollback:** %s\n", render.Escape(t))
	}
	b.WriteString("\n| metric | after | before | earlier weeks | evidence |\n|---|---|---|---|---|\n")
	for i := range w.out.Result.Findings {
		f := &w.out.Result.Findings[i]
		cells := map[string]string{}
		for _, a := range f.Against {
			cells[a.Reference] = share(a.Tally.Bad, a.Tally.Total)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | e^%.1f |\n", render.Escape(f.Metric), share(f.After.Bad, f.After.Total), cells["before"], cells["weeks"], f.LogE)
	}
	b.WriteString("\n" + w.minutes())
	if id := w.out.Decision.ID; id != "" {
		fmt.Fprintf(&b, "\nDecision %s: `nines why %s` explains it, `nines replay %s` recomputes it.\n", id, id, id)
	}
	if strings.Contains(w.opt.Holder, "://") {
		fmt.Fprintf(&b, "\nJob: %s\n", render.Escape(w.opt.Holder))
	}
	return b.String()
}

// mostMinutes is how many minutes of the metric that hurts an incident shows.
const mostMinutes = 15

// minutes is a table of the last minutes of the metric that hurts.
func (w *watcher) minutes() string {
	for i := range w.out.Request.Metrics {
		m := &w.out.Request.Metrics[i]
		if m.Name != w.out.Result.Metric {
			continue
		}
		var b strings.Builder
		fmt.Fprintf(&b, "| minute (UTC) | requests of %s | bad |\n|---|---|---|\n", render.Escape(m.Name))
		n := len(m.After.Total)
		for k := max(0, n-mostMinutes); k < n; k++ {
			at := (m.After.From + slo.Minute(k)).Time().Format("15:04")
			if m.After.Total[k] < 0 {
				fmt.Fprintf(&b, "| %s | not measured | |\n", at)
				continue
			}
			fmt.Fprintf(&b, "| %s | %d | %d |\n", at, m.After.Total[k], m.After.Bad[k])
		}
		return b.String()
	}
	return ""
}

func share(bad, total int64) string {
	if total <= 0 {
		return "no requests"
	}
	return fmt.Sprintf("%.3g %% (%d of %d)", 100*float64(bad)/float64(total), bad, total)
}
