// Package ledger is the verb that lists what was decided and done, and checks
// that nobody changed it.
package ledger

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/render/term"
)

type options struct {
	kinds   []string
	subject string
	since   string
	limit   int
	verify  bool
}

func formats() []string { return []string{"table", "json"} }

func kinds() []string {
	all := []ledger.Kind{
		ledger.KindDecision, ledger.KindOverride, ledger.KindFreeze, ledger.KindExclusion,
		ledger.KindEnd, ledger.KindReset, ledger.KindDeploy, ledger.KindDocument, ledger.KindToken, ledger.KindNotice, ledger.KindAlert, ledger.KindSilence,
		ledger.KindRollout, ledger.KindIncident,
	}
	words := make([]string, len(all))
	for i, k := range all {
		words[i] = string(k)
	}
	return words
}

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	var opt options
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "List what was decided and done, newest first",
		Long: "The ledger holds every decision with its inputs, overrides, freezes and exclusions. Each\n" +
			"entry carries the digest of the one before: --verify finds what was changed, left out\n" +
			"or put in.",
		Example: "  nines ledger --kind decision --subject payment-api --since 7d\n" +
			"  nines ledger --kind override,freeze -o json\n" +
			"  nines ledger --verify",
		Args: host.Args(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return opt.run(cmd.Context(), h) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&opt.kinds, "kind", nil, "only these `KINDS`: "+strings.Join(kinds(), ", "))
	host.CompleteChoice(cmd, "kind", kinds()...)
	f.StringVar(&opt.subject, "subject", "", "only about this `SERVICE` or SERVICE/SLO")
	f.StringVar(&opt.since, "since", "", "only since this `TIME`, or this long ago, as 7d")
	f.IntVar(&opt.limit, "limit", 50, "at most this `NUMBER`; 0: all")
	f.BoolVar(&opt.verify, "verify", false, "check the whole chain of digests instead of listing")
	return host.Describe(cmd, formats(), map[int]string{
		1: "operational error; or --verify found an entry that was changed",
	})
}

func (o *options) run(ctx context.Context, h *host.Host) (err error) {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	s, err := h.Open(ctx, host.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	if o.verify {
		return verify(ctx, h, s, format)
	}
	q, err := o.query(h, s.Zone)
	if err != nil {
		return err
	}
	entries := []ledger.Entry{}
	for e, err := range s.Ledger.Scan(ctx, q) {
		if err != nil {
			return err
		}
		entries = append(entries, e)
	}
	if format == "json" {
		return host.JSON(h.Out, entries)
	}
	_, err = io.WriteString(h.Out, table(h.Style(), entries, s.Zone))
	return err
}

func (o *options) query(h *host.Host, zone *time.Location) (ledger.Query, error) {
	q := ledger.Query{Subject: o.subject, Newest: true, Limit: o.limit}
	if o.limit < 0 {
		return q, fault.New(fault.Invalid, fmt.Sprintf("--limit %d", o.limit), "it is less than nothing", "give 0 for all")
	}
	for _, k := range o.kinds {
		if !slices.Contains(kinds(), k) {
			return q, fault.New(fault.Invalid, "--kind "+k, "there is no such kind", "the kinds are "+strings.Join(kinds(), ", "))
		}
		q.Kinds = append(q.Kinds, ledger.Kind(k))
	}
	if o.since == "" {
		return q, nil
	}
	if d, err := host.ParseDuration("--since", o.since); err == nil {
		q.From = h.Now().Add(-d)
		return q, nil
	}
	var err error
	q.From, err = host.ParseTime("--since", o.since, zone, h.Now())
	return q, err
}

func table(st term.Style, entries []ledger.Entry, zone *time.Location) string {
	if len(entries) == 0 {
		return "no entries\n"
	}
	var rows [][]term.Cell
	for _, e := range entries {
		rows = append(rows, []term.Cell{
			term.Text(e.ID), term.Text(term.Instant(e.At.In(zone))), term.Text(string(e.Kind)),
			{Text: term.Clean(e.Subject), Middle: true},
			term.Text(term.Clean(e.Actor)), what(e),
		})
	}
	return st.Table([]term.Column{
		{Title: "ID"},
		{Title: "AT", Drop: 2},
		{Title: "KIND"},
		{Title: "ABOUT", Min: 8},
		{Title: "WHO", Drop: 3},
		{Title: "WHAT", Drop: 1, Min: 20, Yield: 9},
	}, rows)
}

// body is what the table shows of entries' bodies, whatever their kind.
type body struct {
	Decision verdict `json:"decision"`
	Request  struct {
		Change struct {
			Version string `json:"version"`
		} `json:"change"`
	} `json:"request"`
	Reason string `json:"reason"`
	Of     string `json:"of"`
	// Of deployments, notices and spent tokens.
	Version     string `json:"version"`
	Environment string `json:"environment"`
	Event       string `json:"event"`
	Kind        string `json:"kind"`
	Rule        string `json:"rule"`
	To          string `json:"to"`
	Error       string `json:"error"`
	// Of rollouts and incidents.
	Phase  string `json:"phase"`
	Target string `json:"target"`
	Deploy string `json:"deploy"`
	State  struct {
		Outcome string `json:"outcome"`
		Version string `json:"version"`
	} `json:"state"`
}

// verdict is what a decision's entry says. Entries that only name a decision by its
// ID say nothing here.
type verdict struct {
	Verdict string `json:"verdict"`
	Reasons []struct {
		Text string `json:"text"`
	} `json:"reasons"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *verdict) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '{' {
		return nil
	}
	type plain verdict
	return json.Unmarshal(b, (*plain)(v))
}

// short says what a deployment, a rollout, an incident, a notice or a spent token
// holds; nil for other kinds.
func (b *body) short(kind ledger.Kind) []string {
	var parts []string
	add := func(before, text string) {
		if text != "" {
			parts = append(parts, before+text)
		}
	}
	switch kind {
	case ledger.KindDeploy, ledger.KindToken:
		add("", b.Version)
		add("in ", b.Environment)
	case ledger.KindNotice:
		add("", b.Event)
		add("to ", b.To)
		add("", b.Error)
	case ledger.KindDecision, ledger.KindOverride, ledger.KindFreeze, ledger.KindExclusion, ledger.KindEnd, ledger.KindReset, ledger.KindDocument, ledger.KindSilence:
	case ledger.KindAlert:
		add("", b.Kind)
		add("", b.Rule)
	case ledger.KindRollout:
		add("", b.Phase)
		add("", b.State.Outcome)
		add("", cmp.Or(b.State.Version, b.Version))
		add("", b.Target)
	case ledger.KindIncident:
		add("by ", b.Deploy)
	}
	return parts
}

// what says in a line what an entry holds.
func what(e ledger.Entry) term.Cell {
	var b body
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return term.Toned(term.Notice, "cannot be read")
	}
	parts := b.short(e.Kind)
	tone := term.Plain
	if b.Error != "" {
		tone = term.Notice
	}
	if b.Decision.Verdict != "" {
		parts = append(parts, b.Decision.Verdict)
		if b.Decision.Verdict == "fail" {
			tone = term.Bad
		}
	}
	if b.Request.Change.Version != "" {
		parts = append(parts, b.Request.Change.Version)
	}
	if len(b.Decision.Reasons) > 0 {
		parts = append(parts, b.Decision.Reasons[0].Text)
	}
	if b.Of != "" {
		parts = append(parts, "of "+b.Of)
	}
	if b.Reason != "" {
		parts = append(parts, b.Reason)
	}
	return term.Toned(tone, term.Clean(strings.Join(parts, ", ")))
}

// verify checks the chain from its first entry to its last.
func verify(ctx context.Context, h *host.Host, s *host.Session, format string) error {
	n := 0
	err := ledger.Verify(func(yield func(ledger.Entry, error) bool) {
		for e, err := range s.Ledger.Scan(ctx, ledger.Query{}) {
			if err == nil {
				n++
			}
			if !yield(e, err) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	if format == "json" {
		return host.JSON(h.Out, struct {
			Entries int  `json:"entries"`
			Intact  bool `json:"intact"`
		}{n, true})
	}
	_, err = fmt.Fprintf(h.Out, "the chain of %d entries is intact\n", n)
	return err
}
