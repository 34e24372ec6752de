// Package alerts is the verb that shows which alerts fire, and why others do not.
package alerts

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/render/term"
	runalert "gitlab.com/nines-sre/nines/internal/run/alert"
)

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "alerts",
		Short: "Show which alerts fire, are pending, frozen or silenced, and why",
		Long: "Alerts are decided wherever nines measures: by nines measure, by --watch, on Lambda. This\n" +
			"verb shows where they stand: the conditions that are not at rest, the incidents that are\n" +
			"open, and what is to be told and could not be yet. It decides and tells nothing.\n\n" +
			"A condition that cannot be judged is frozen: missing data fires nothing and ends nothing.\n\n" +
			"--check says instead what the measured traffic cannot carry: objectives that cannot be\n" +
			"alerted on at all, conditions that one failure makes true, and those that a handful does.",
		Example: "  nines alerts\n" +
			"  nines alerts --check\n" +
			"  nines alerts -o json",
		Args: host.Args(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), h, check) },
	}
	cmd.Flags().BoolVar(&check, "check", false, "say what the measured traffic cannot carry")
	return host.Describe(cmd, formats(), nil)
}

func formats() []string { return []string{"table", "json"} }

func run(ctx context.Context, h *host.Host, check bool) (err error) {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	s, err := h.Open(ctx, host.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	if check {
		return volumes(ctx, h, s, format)
	}
	view, err := runalert.Look(ctx, s.Env)
	if err != nil {
		return err
	}
	if format == "json" {
		return host.JSON(h.Out, view)
	}
	_, err = io.WriteString(h.Out, text(s, &view))
	return err
}

// volume is what an objective's traffic cannot carry.
type volume struct {
	Objective string            `json:"objective"`
	Reasons   []decision.Reason `json:"reasons"`
}

// volumes answers --check.
func volumes(ctx context.Context, h *host.Host, s *host.Session, format string) error {
	all, err := runalert.Volumes(ctx, s.Env, nil)
	if err != nil {
		return err
	}
	found := []volume{}
	var b strings.Builder
	for i := range all {
		key := all[i].Objective.Key()
		found = append(found, volume{key, all[i].Reasons})
		for _, r := range all[i].Reasons {
			b.WriteString(term.Clean(key+": "+r.Text) + "\n")
		}
	}
	if format == "json" {
		return host.JSON(h.Out, found)
	}
	if len(found) == 0 {
		b.WriteString("the traffic carries every condition, as far as it is measured\n")
	}
	_, err = io.WriteString(h.Out, b.String())
	return err
}

// incident is how an incident stands, and who knows.
func incident(s *host.Session, v *runalert.View, i int) string {
	inc := &v.Incidents[i]
	state := "open"
	if !inc.Quiet.IsZero() {
		state = "quiet since " + s.Show(inc.Quiet)
	}
	if inc.Told.IsZero() {
		state += ", nobody was told: held back by " + inc.Held
	}
	told := slices.DeleteFunc(slices.Clone(inc.Targets), func(t string) bool { return slices.Contains(inc.Unreached, t) })
	if len(told) > 0 {
		state += ", told " + strings.Join(told, ", ")
	}
	if len(inc.Unreached) > 0 {
		state += ", not reached yet: " + strings.Join(inc.Unreached, ", ")
	}
	return state
}

// text is the answer for people.
func text(s *host.Session, v *runalert.View) string {
	var b strings.Builder
	line := func(format string, args ...any) { b.WriteString(term.Clean(fmt.Sprintf(format, args...)) + "\n") }
	for _, r := range v.Rules {
		state := r.Phase
		if r.Frozen {
			state = strings.TrimPrefix(r.Phase+", frozen", "inactive, ")
		}
		since := ""
		if !r.Since.IsZero() {
			since = " since " + s.Show(r.Since)
		}
		line("%s  %s  %s%s", r.Severity, r.ID, state, since)
		if r.Why != "" {
			line("    %s", r.Why)
		}
	}
	for i := range v.Incidents {
		line("incident %s: %s", v.Incidents[i].ID, incident(s, v, i))
	}
	for i := range v.Waiting {
		l := &v.Waiting[i]
		why := "due at " + s.Show(l.Due)
		if l.Error != "" {
			why = fmt.Sprintf("tried %d times, again at %s: %s", l.Tries, s.Show(l.Due), l.Error)
		}
		line("to be told: %s of %s (%s), %s", l.Target, l.Incident, l.Kind, why)
	}
	if len(v.Rules)+len(v.Incidents)+len(v.Waiting) == 0 {
		line("no alert fires; %d conditions are at rest", v.All)
	}
	switch {
	case v.Decided.IsZero():
		line("nothing was decided yet: nines measure decides what it measures")
	default:
		line("decided up to %s", s.Show(v.Decided))
	}
	if len(v.Nowhere) > 0 {
		line("nobody is told by %s: annotate the target with nines/address", strings.Join(v.Nowhere, ", "))
	}
	if v.Mute > 0 {
		line("%d of %d conditions tell nobody: name targets in an AlertPolicy, or in Settings under alerts", v.Mute, v.All)
	}
	return b.String()
}
