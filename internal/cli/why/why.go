// Package why is the verb that explains a recorded decision, and recomputes it.
package why

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/render/term"
	runwhy "gitlab.com/nines-sre/nines/internal/run/why"
)

func formats() []string { return []string{"text", "json"} }

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	var replay bool
	cmd := &cobra.Command{
		Use:   "why [ID]",
		Short: "Explain the newest decision, or the one with an ID",
		Long: "Why says which objective decided, how much is left, when and where it was lost, what\n" +
			"changed just before, when the gate reopens by itself, and what may be done now.\n\n" +
			"--replay (or `nines replay`) recomputes the decision from the inputs recorded with it\n" +
			"and from nothing else; it must come out the same.",
		Example: "  nines why\n" +
			"  nines why 01JK3\n" +
			"  nines why --replay",
		Args: host.Args(0, 1, "one ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if replay {
				return again(cmd.Context(), h, first(args))
			}
			return explain(cmd.Context(), h, first(args))
		},
	}
	cmd.Flags().BoolVar(&replay, "replay", false, "recompute the decision from its recorded inputs")
	return host.Describe(cmd, formats(), codes())
}

// NewReplay returns the verb `nines replay`, the short form of why --replay.
func NewReplay(h *host.Host) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "replay [ID]",
		Short:   "Recompute a decision from its recorded inputs",
		Example: "  nines replay\n  nines replay 01JK3",
		Args:    host.Args(0, 1, "one ID"),
		RunE:    func(cmd *cobra.Command, args []string) error { return again(cmd.Context(), h, first(args)) },
	}
	return host.Describe(cmd, formats(), codes())
}

func codes() map[int]string {
	return map[int]string{
		0: "explained; or replayed, and it agrees",
		1: "operational error; or replayed, and it does not agree",
	}
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func explain(ctx context.Context, h *host.Host, id string) (err error) {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	s, err := h.Open(ctx, host.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	x, err := runwhy.Explain(ctx, s.Env, id)
	if err != nil {
		return err
	}
	if format == "json" {
		return host.JSON(h.Out, struct {
			decision.Decision
			Lines []string `json:"lines"`
		}{x.Decision, x.Lines})
	}
	st := h.Style()
	var b strings.Builder
	for _, line := range x.Lines {
		b.WriteString(indented(st, line))
	}
	_, err = io.WriteString(h.Out, b.String())
	return err
}

// longestLabel is the length of the longest label a line of an explanation
// begins with: "Before it".
const longestLabel = 9

// indented wraps a line; what goes on below stands under the text, behind the
// line's indentation and its label ("Lost:  ").
func indented(st term.Style, line string) string {
	text := strings.TrimLeft(line, " ")
	if label, rest, ok := strings.Cut(line, ": "); ok && len(label) <= longestLabel && text == line {
		text = strings.TrimLeft(rest, " ")
	}
	return st.Hang(term.Strong, line[:len(line)-len(text)], text)
}

func again(ctx context.Context, h *host.Host, id string) (err error) {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	s, err := h.Open(ctx, host.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	r, err := runwhy.Recompute(ctx, s.Env, id)
	if err != nil {
		return err
	}
	if format == "json" {
		err = host.JSON(h.Out, struct {
			Agrees   bool              `json:"agrees"`
			Why      string            `json:"why,omitempty"`
			Recorded decision.Decision `json:"recorded"`
			Again    decision.Decision `json:"again"`
		}{r.Agrees, r.Why, r.Recorded, r.Again})
	} else {
		_, err = io.WriteString(h.Out, replayed(h.Style(), r))
	}
	if err == nil && !r.Agrees {
		err = host.ExitWith(fault.Corrupt.ExitCode())
	}
	return err
}

func replayed(st term.Style, r runwhy.Replay) string {
	what := fmt.Sprintf("decision %s about %s", r.Recorded.ID, term.Clean(r.Recorded.Subject))
	if r.Agrees {
		return st.Paint(term.Good, "AGREES") + "  " + what + ": " + r.Again.Verdict.String() + ", as recorded\n"
	}
	return st.Paint(term.Dire, "DIFFERS") + "  " + what + ": " + term.Clean(r.Why) + "\n"
}
