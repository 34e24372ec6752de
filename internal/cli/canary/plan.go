package canary

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/render/term"
	runstatus "gitlab.com/nines-sre/nines/internal/run/status"
)

type planOptions struct {
	subject                    []string
	rate, weight, errors       string
	margin, ratio, slack       string
	alpha, beta, length, limit string
	outlook                    judge.Outlook
	from                       string // whose history the traffic was taken from
}

func planFormats() []string { return []string{"text", "json"} }

// NewPlan returns the verb `canary plan`.
func NewPlan(h *host.Host) *cobra.Command {
	var opt planOptions
	cmd := &cobra.Command{
		Use:   "plan [SERVICE | SERVICE/SLO]",
		Short: "How long must a canary run to see what?",
		Long: "Plan says, before anything is deployed, what a canary of this traffic can see: after how\n" +
			"many requests and minutes four of five bad canaries are found, when a good one passes,\n" +
			"below which number of requests nothing can be certified, and what other weights would\n" +
			"do. With a SERVICE, the traffic and the rate of errors are those of its history.",
		Example: "  nines canary plan --rate 200/m --weight 5% --errors 0.1%\n" +
			"  nines canary plan --rate 200/m --weight 5% --errors 0.1% --margin 0.1% --for 30m\n" +
			"  nines canary plan payment-api --weight 10% --for 1h -o json",
		Args:              host.Args(0, 1, "a SERVICE at most"),
		ValidArgsFunction: h.CompleteObjectives,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.subject = args
			return opt.run(cmd.Context(), h)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opt.rate, "rate", "", "`REQUESTS` of both versions together: 200/m, 3/s, 12000/h")
	f.StringVar(&opt.weight, "weight", "5%", "the canary's `SHARE` of them")
	f.StringVar(&opt.errors, "errors", "", "`SHARE` of bad requests of a version that is good")
	f.StringVar(&opt.margin, "margin", "0", "how much higher the canary's `SHARE` of bad requests may be")
	f.StringVar(&opt.ratio, "ratio", "", "how many `TIMES` as high it may be, in place of a margin or beside it")
	f.StringVar(&opt.slack, "slack", "", "by which `SHARE` a canary that passes is no worse (default the margin, else 1%)")
	f.StringVar(&opt.alpha, "alpha", "5%", "`SHARE` of good canaries that may fail")
	f.StringVar(&opt.beta, "beta", "5%", "`SHARE` of canaries worse than that which may pass")
	f.StringVar(&opt.length, "for", "", "`LENGTH` of the canary: what does it see?")
	f.StringVar(&opt.limit, "at-most", "50%", "the largest `SHARE` the canary may be given")
	return host.Describe(cmd, planFormats(), map[int]string{0: "answered, whatever can be seen"})
}

func (o *planOptions) run(ctx context.Context, h *host.Host) error {
	format, err := h.Format(planFormats()...)
	if err != nil {
		return err
	}
	p, err := o.policy()
	if err != nil {
		return err
	}
	t, err := o.traffic(ctx, h)
	if err != nil {
		return err
	}
	var minutes float64
	if o.length != "" {
		d, err := host.ParseDuration("--for", o.length)
		if err != nil {
			return err
		}
		minutes = d.Minutes()
	}
	limit, err := share("--at-most", o.limit)
	if err != nil {
		return err
	}
	if o.outlook, err = judge.Plan(t, p, minutes, limit); err != nil {
		return err
	}
	if format == "json" {
		return host.JSON(h.Out, o.outlook)
	}
	_, err = io.WriteString(h.Out, o.text(h.Style()))
	return err
}

// policy reads what a canary is held against.
func (o *planOptions) policy() (p judge.Policy, err error) {
	for _, f := range []struct {
		flag, text string
		to         *float64
	}{
		{"--margin", o.margin, &p.Margin.Add},
		{"--slack", o.slack, &p.Slack.Add},
		{"--alpha", o.alpha, &p.Alpha},
		{"--beta", o.beta, &p.Beta},
	} {
		if f.text == "" {
			continue
		}
		if *f.to, err = share(f.flag, f.text); err != nil {
			return p, err
		}
	}
	if o.ratio != "" {
		if p.Margin.Ratio, err = strconv.ParseFloat(strings.TrimSuffix(o.ratio, "x"), 64); err != nil {
			return p, fault.New(fault.Invalid, "--ratio "+o.ratio, "not a number", "write one like 2")
		}
	}
	return p, p.Check()
}

// traffic is what the flags say, and for what they do not what was measured.
func (o *planOptions) traffic(ctx context.Context, h *host.Host) (t judge.Traffic, err error) {
	if t.Weight, err = share("--weight", o.weight); err != nil {
		return t, err
	}
	if o.rate != "" {
		if t.Rate, err = parseRate(o.rate); err != nil {
			return t, err
		}
	}
	if o.errors != "" {
		if t.Errors, err = share("--errors", o.errors); err != nil {
			return t, err
		}
	}
	if o.rate != "" && o.errors != "" {
		return t, nil
	}
	if len(o.subject) == 0 {
		return t, fault.New(fault.Invalid, "canary plan", "the traffic is not known",
			"give --rate 200/m and --errors 0.1%, or a SERVICE whose history is to be taken")
	}
	seen, err := o.measured(ctx, h)
	if err != nil {
		return t, err
	}
	if o.rate == "" {
		t.Rate = seen.Rate
	}
	if o.errors == "" {
		t.Errors = seen.Errors
	}
	return t, nil
}

// measured is the traffic of the subject's objective with the most requests, over
// its window.
func (o *planOptions) measured(ctx context.Context, h *host.Host) (t judge.Traffic, err error) {
	s, err := h.Open(ctx, host.ReadOnly)
	if err != nil {
		return t, err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	entries, err := runstatus.Read(ctx, s.Env, runstatus.Options{Select: o.subject})
	if err != nil {
		return t, err
	}
	for i := range entries {
		st := &entries[i].Status.Stretch
		// Slices and composites count no requests.
		if entries[i].Objective.Indicator == "" || entries[i].Objective.Budgeting.String() != "Occurrences" || st.Measured == 0 || st.Saturated() {
			continue
		}
		if rate := st.Total.Float() / float64(st.Measured); rate > t.Rate {
			t.Rate, t.Errors = rate, st.Bad().Float()/st.Total.Float()
			o.from = entries[i].Objective.Service + "/" + entries[i].Objective.SLO
		}
	}
	if t.Rate == 0 {
		return t, fault.New(fault.Invalid, "canary plan "+o.subject[0], "its history holds no request",
			"`nines measure` brings it up to date; or give --rate and --errors")
	}
	return t, nil
}

// share reads "5%" or "0.05".
func share(flag, text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) {
		return 0, fault.New(fault.Invalid, flag+" "+text, "not a share", `write one like "5%" or 0.05`)
	}
	return v, nil
}

// parseRate reads "200/m", "3/s" or "12000/h" as requests a minute.
func parseRate(text string) (float64, error) {
	number, unit, _ := strings.Cut(strings.TrimSpace(text), "/")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	times, ok := map[string]float64{"s": 60, "m": 1, "min": 1, "h": 1. / 60, "d": 1. / 1440}[strings.TrimSpace(unit)]
	if err != nil || !ok || !(v > 0) || v*times > 1e12 {
		return 0, fault.New(fault.Invalid, "--rate "+text, "not a number of requests in a time", `write one like "200/m", "3/s" or "12000/h"`)
	}
	return v * times, nil
}

// text is the answer for people.
func (o *planOptions) text(st term.Style) string {
	v := &o.outlook
	var b strings.Builder
	fmt.Fprintf(&b, "%s requests a minute, %s of them to the canary (%s a minute); %s are bad anyway",
		count(v.Traffic.Rate), percent(v.Traffic.Weight), count(v.Traffic.Rate*v.Traffic.Weight), percent(v.Traffic.Errors))
	if o.from != "" {
		b.WriteString(", as " + term.Clean(o.from) + " measured")
	}
	fmt.Fprintf(&b, "\nit fails when it is surely worse%s (%s of good ones do); it passes when it is surely below %s\n\n",
		more(v.Margin), percent(v.Alpha), limit(v.Slack))
	var rows [][]term.Cell
	for _, s := range append(append([]judge.Sight{}, v.Worse...), v.Pass, v.Floor) {
		rows = append(rows, []term.Cell{
			term.Text(s.What), term.Text(percent(s.Canary)), term.Text(amount(s.Requests)), term.Text(amount(s.Baseline)),
			term.Text(length(s.Minutes)), term.Text(amount(s.Bad)),
		})
	}
	b.WriteString(st.Table([]term.Column{
		{Title: "A CANARY WITH", Min: 20, Yield: 1},
		{Title: "BAD", Right: true},
		{Title: "ITS REQUESTS", Right: true},
		{Title: "THE OTHER'S", Right: true, Drop: 2},
		{Title: "TAKES", Right: true},
		{Title: "HARMED", Right: true, Drop: 1},
	}, rows))
	b.WriteString("\n" + o.remarks() + "\n")
	rows = rows[:0]
	for _, w := range v.Weights {
		rows = append(rows, []term.Cell{term.Text(percent(w.Weight)), term.Text(length(w.Pass)), term.Text(length(w.Found)), term.Text(amount(w.Bad))})
	}
	b.WriteString(st.Table([]term.Column{
		{Title: "WEIGHT", Right: true}, {Title: "GOOD PASSES IN", Right: true}, {Title: "BAD FOUND IN", Right: true}, {Title: "HARMED", Right: true},
	}, rows))
	return b.String()
}

// remarks are what the numbers mean for the canary asked about.
func (o *planOptions) remarks() string {
	v := &o.outlook
	out := "four of five are found, or pass, in the time it takes; harmed are requests that the other version would have served\n"
	if v.Minutes > 0 {
		n := v.Minutes * v.Traffic.Rate * v.Traffic.Weight
		sees := "it cannot show any canary to be worse"
		if v.Detectable != nil {
			sees = "it shows canaries of which " + percent(*v.Detectable) + " are bad"
		}
		out += fmt.Sprintf("in %s the canary has %s requests: %s\n", length(&v.Minutes), count(n), sees)
	}
	switch {
	case v.Minutes > 0 && v.Enough:
		out += "that is enough for a good one to pass\n"
	case v.Minutes > 0 && v.Floor.Minutes != nil && *v.Floor.Minutes > v.Minutes:
		out += fmt.Sprintf("that is too little traffic to certify anything: it takes %s, so it will mostly end as inconclusive\n", length(v.Pass.Minutes))
	case v.Minutes > 0:
		out += fmt.Sprintf("a good one may not have passed by then: give it %s\n", length(v.Pass.Minutes))
	case v.Pass.Minutes == nil || *v.Pass.Minutes > 24*60:
		out += "that is too little traffic for a canary of hours: give it more weight, a wider --slack, or drive requests at it\n"
	}
	if v.Best > 0 {
		out += "it is fastest with " + percent(v.Best) + " of the traffic\n"
	}
	return out
}

func more(m judge.Margin) string {
	if m == (judge.Margin{}) {
		return ""
	}
	return " than " + limit(m)
}

// limit is what a canary may come to, in words.
func limit(m judge.Margin) string {
	switch {
	case m.Ratio > 0 && m.Add > 0:
		return points(m.Add) + " more, and " + count(m.Ratio) + " times, the other's rate"
	case m.Ratio > 0:
		return count(m.Ratio) + " times the other's rate"
	}
	return points(m.Add) + " more than the other's rate"
}

func points(v float64) string {
	if text := strings.TrimSuffix(percent(v), " %"); text != "1" {
		return text + " points"
	}
	return "1 point"
}

func percent(v float64) string { return strconv.FormatFloat(v*100, 'g', 3, 64) + " %" }

func count(v float64) string {
	if v < 1 {
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
	return term.Count(v)
}

func amount(v *float64) string {
	if v == nil {
		return term.Unknown
	}
	if *v >= 10 {
		return term.Count(float64(int64(*v + .5)))
	}
	return strconv.FormatFloat(*v, 'g', 2, 64)
}

func length(minutes *float64) string {
	if minutes == nil {
		return "never"
	}
	if *minutes > 365*24*60 {
		return "over a year"
	}
	return term.Duration(time.Duration(*minutes) * time.Minute)
}
