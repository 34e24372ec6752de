// Package try measures a service that nobody has written down yet: no
// document, no store. It makes the short form of the service's objectives in
// memory, measures it into a history in memory, and says what was attained and
// which target could have been kept.
package try

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/analyze"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/discover"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/run/survey"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Env is what a trial works with.
type Env struct {
	// Run has an empty history in memory and no catalog.
	Run *run.Env
	// Source is the live source; it is opened once and knows what it has cost.
	Source    metric.Source
	Types     map[string]metric.Type
	Directory metric.Directory
}

// Options steer Run.
type Options struct {
	Ref   discover.Ref
	Place metric.Place
	// Name is the service's; empty: made from Ref.
	Name string
	// Target is a percentage of available, "99.9"; empty: from the data.
	Target string
	// Latency is an objective, "99% < 300ms"; empty: from the data.
	Latency string
	Since   slo.Minute // how far to look back
	// First is called once, when the newest day is known and the rest is still to
	// be read; may be nil.
	First func(*Outcome)
}

// Origin says where an objective's number comes from.
type Origin string

// The origins.
const (
	Given     Origin = "given"     // by who asked
	Suggested Origin = "suggested" // the data could have kept it
	Assumed   Origin = "default"   // the data say nothing about it
)

// State says what is known of an objective.
type State string

// The states.
const (
	Measured  State = "measured"
	NoTraffic State = "no traffic"   // measured, and nothing happened
	NoData    State = "not measured" // the metric exists, but gave nothing
	NoMetric  State = "no such metric or dimension"
	Refused   State = "refused" // the kind of service cannot say it
)

// Objective is how one objective fared.
type Objective struct {
	Name  string // "availability", "latency"
	Text  string // as documents say it: "99.9% available"
	State State
	// TargetFrom and BoundFrom say where the two numbers come from; BoundFrom is
	// empty for availability.
	TargetFrom, BoundFrom Origin
	Target                slo.Decimal
	Report                analyze.Report
	// Remaining is what is left of the budget; nil where that is unknown.
	Remaining *float64
	Coverage  float64 // measured share of the whole stretch asked for
	// Why says what to do where it could not be measured.
	Why string
}

// Outcome is what a trial found.
type Outcome struct {
	Ref        discover.Ref
	Span       slo.Span // what was asked for
	Objectives []Objective
	Usage      metric.Usage
	Listed     int64 // list requests
	Notes      []string
	// Doc is the document that would measure the same from now on.
	Doc discover.Doc
}

// What stands in for a number that the data cannot give.
const (
	defaultTarget = "99.9"
	defaultShare  = "99"
	firstLook     = slo.Day
)

// Run tries. A service of which nothing exists is an error of kind NotFound
// that names what looks like it.
func Run(ctx context.Context, env *Env, opt Options) (*Outcome, error) {
	t, err := begin(env, opt)
	if err != nil {
		return nil, err
	}
	if err := t.suggestBound(ctx); err != nil {
		return nil, err
	}
	if err := t.measure(ctx, min(firstLook, opt.Since)); err != nil {
		return nil, err
	}
	if opt.First != nil && opt.Since > firstLook {
		first, err := t.outcome(ctx, min(firstLook, opt.Since))
		if err != nil {
			return nil, err
		}
		opt.First(first)
	}
	if opt.Since > firstLook {
		if err := t.measure(ctx, opt.Since); err != nil {
			return nil, err
		}
	}
	out, err := t.outcome(ctx, opt.Since)
	if err != nil {
		return nil, err
	}
	if err := t.look(ctx, out); err != nil {
		return nil, err
	}
	t.write(out)
	return out, nil
}

// trial is one trial.
type trial struct {
	env    *Env
	opt    Options
	parts  []*part
	report measure.Report
}

// part is one objective on its way.
type part struct {
	name      string
	refused   string
	share     string // percent
	bound     string // "300ms"; empty for availability
	shareFrom Origin
	boundFrom Origin
	indicator *config.Indicator
}

func (p *part) text() string {
	if p.bound == "" {
		return p.share + "% available"
	}
	return p.share + "% < " + p.bound
}

// begin works out what is asked for, and what is not known yet.
func begin(env *Env, opt Options) (*trial, error) {
	preset, _ := config.PresetOf(opt.Ref.Kind)
	if opt.Name == "" {
		opt.Name = opt.Ref.ServiceName()
	}
	available := &part{name: "availability", refused: preset.Available.Refused, share: defaultTarget, shareFrom: Assumed}
	if opt.Target != "" {
		available.share, available.shareFrom = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(opt.Target), "%")), Given
	}
	if _, err := slo.ParseDecimal(available.share); err != nil {
		return nil, fault.New(fault.Invalid, "--target "+opt.Target, "not a percentage", "write one like 99.9")
	}
	latency := &part{name: "latency", refused: preset.Latency.Refused, share: defaultShare, shareFrom: Assumed, boundFrom: Assumed, bound: defaultBound(preset.Latency)}
	if opt.Latency != "" {
		share, bound, ok := config.SplitLatency(opt.Latency)
		if !ok {
			return nil, fault.New(fault.Invalid, "--latency "+opt.Latency, "not an objective of latency", `write one like "99% < 300ms"`)
		}
		latency.share, latency.bound, latency.shareFrom, latency.boundFrom = share, bound, Given, Given
	}
	for _, p := range []*part{available, latency} {
		if p.shareFrom == Given && p.refused != "" {
			return nil, fault.New(fault.Invalid, opt.Ref.String(), p.name+" cannot be measured", p.refused)
		}
	}
	t := &trial{env: env, opt: opt, parts: []*part{available, latency}}
	return t, t.load()
}

// defaultBound is a bound that stands in for an unknown one.
func defaultBound(m config.Measure) string {
	if m.Value != nil {
		return "60s"
	}
	return "300ms"
}

// doc is the document as far as it is known.
func (t *trial) doc() discover.Doc {
	d := discover.Doc{Ref: t.opt.Ref, Place: t.opt.Place, Name: t.opt.Name, Window: slo.FormatLength(t.opt.Since)}
	for _, p := range t.parts {
		if p.refused == "" {
			d.Objectives = append(d.Objectives, p.text())
		}
	}
	return d
}

// load reads the document as if it came from a file: what lint refuses is
// refused here.
func (t *trial) load() error {
	file := config.File{Name: t.opt.Ref.String(), Data: discover.Document(t.doc())}
	cat, problems := config.Parse([]config.File{file}, config.Options{Types: t.env.Types})
	if err := problems.Err(false); err != nil {
		return fault.Wrap(fault.Invalid, "objectives of "+t.opt.Ref.String(), err, "")
	}
	t.env.Run.Catalog = cat
	for _, p := range t.parts {
		for i := range cat.Objectives {
			if o := &cat.Objectives[i]; o.SLO == p.name {
				p.indicator = indicatorOf(cat, o.Indicator)
			}
		}
	}
	return nil
}

func indicatorOf(cat *config.Catalog, id string) *config.Indicator {
	for i := range cat.Indicators {
		if cat.Indicators[i].ID == id {
			return &cat.Indicators[i]
		}
	}
	return nil
}

// measure brings in a stretch. A series nobody knows is no error here; look
// says more about it.
func (t *trial) measure(ctx context.Context, since slo.Minute) error {
	rep, err := measure.Run(ctx, t.env.Run, measure.Options{Since: since})
	t.report = rep
	// One objective that could be measured is worth showing.
	if err != nil && (ctx.Err() != nil || len(rep.Failed) == rep.Indicators || len(rep.Failed) == 0) {
		return err
	}
	return nil
}

// look finds out why an objective has no data.
func (t *trial) look(ctx context.Context, out *Outcome) error {
	blank := 0
	for i := range out.Objectives {
		if out.Objectives[i].State == NoData {
			blank++
		}
	}
	if blank == 0 {
		return nil
	}
	got, err := survey.Run(ctx, &survey.Env{Directory: t.env.Directory, Types: t.env.Types, Place: t.opt.Place}, survey.Options{Ref: &t.opt.Ref})
	out.Listed = t.env.Directory.Requests()
	switch {
	case ctx.Err() != nil:
		return fault.Wrap(fault.Canceled, "try", ctx.Err(), "")
	case err != nil:
		out.Notes = append(out.Notes, fmt.Sprintf("whether its metrics exist could not be looked up: %v", err))
		return nil
	case len(got.Services) == 0:
		return Missing(t.opt.Ref, got.Near)
	}
	found := map[string]discover.Part{"availability": got.Services[0].Available, "latency": got.Services[0].Latency}
	for i := range out.Objectives {
		o := &out.Objectives[i]
		if part := found[o.Name]; o.State == NoData && part.State == discover.Missing {
			o.State, o.Why = NoMetric, "there is no "+strings.Join(part.Absent, ", ")
			// The reading said the same in words of its own.
			out.Notes = slices.DeleteFunc(slices.Clone(out.Notes), func(n string) bool {
				return strings.Contains(n, o.Name+": "+string(NoMetric))
			})
		}
	}
	return nil
}

// Missing is the error for a service of which no metric exists.
func Missing(r discover.Ref, near []string) error {
	hint := "`nines discover " + r.Kind + "` lists what there is; check the region and the account, too"
	if len(near) > 0 {
		hint = "did you mean " + strings.Join(near, ", ") + "? " + hint
	}
	return fault.New(fault.NotFound, r.String(), "no such metric or dimension", hint)
}

// head are the sentences that say where a document's numbers come from.
func (o *Outcome) head(zone *time.Location) []string {
	const layout = "2006-01-02 15:04 MST"
	head := []string{fmt.Sprintf("Objectives of %s, from its data between %s and %s.", o.Ref, o.Span.From.Time().In(zone).Format(layout), o.Span.To.Time().In(zone).Format(layout))}
	for i := range o.Objectives {
		head = append(head, o.Objectives[i].sentence())
	}
	return append(head, "Read them, agree on them. `nines lint` checks this file, `nines measure` fills its history.")
}

func (o *Objective) sentence() string {
	if o.State == Refused {
		return o.Name + " is left out: " + o.Why + "."
	}
	text := o.Text + ": a default, the data carry no round target"
	switch o.TargetFrom {
	case Suggested:
		text = o.Text + ": the highest round target kept in every week with a tenth of its budget to spare"
	case Given:
		text = o.Text + ": as asked for"
	case Assumed: // as said above
	}
	if a := o.Report.Whole.Attained(); o.State == Measured && a != nil {
		text += fmt.Sprintf(" (attained %.4f %%)", math.Floor(*a*1e6)/1e4)
	} else {
		text += " (" + string(o.State) + ")"
	}
	if o.BoundFrom == Suggested {
		text += "; the bound is one that nineteen of twenty hours' 99th percentile kept"
	}
	return text + "."
}

// Offline returns what makes a document that no data stand behind: what was
// asked for, else defaults; why says why there are no data.
func Offline(opt Options) func(why string) (discover.Doc, error) {
	return func(why string) (discover.Doc, error) {
		t, err := begin(&Env{Run: &run.Env{}}, opt)
		if err != nil {
			return discover.Doc{}, err
		}
		d := t.doc()
		d.Head = []string{"Objectives of " + opt.Ref.String() + "; " + why + "."}
		for _, p := range t.parts {
			switch {
			case p.refused != "":
			case p.shareFrom == Given:
				d.Head = append(d.Head, p.text()+": as asked for.")
			default:
				d.Head = append(d.Head, p.text()+": a default, not taken from data.")
			}
		}
		d.Head = append(d.Head, "Agree on them. `nines lint` checks this file, `nines try "+opt.Ref.String()+"` holds the service against its data.")
		return d, nil
	}
}
