package mark

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/render/term"
	runmark "gitlab.com/nines-sre/nines/internal/run/mark"
)

func newList(h *host.Host, k kind) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what is declared and not over",
		Example: "  nines " + k.verb + " list\n" +
			"  nines " + k.verb + " list --all -o json",
		Args: host.Args(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return list(cmd.Context(), h, k, all) },
	}
	cmd.Flags().BoolVar(&all, "all", false, "those that are over too")
	return host.Describe(cmd, listFormats(), nil)
}

func listFormats() []string { return []string{"table", "json"} }

func list(ctx context.Context, h *host.Host, k kind, all bool) (err error) {
	format, err := h.Format(listFormats()...)
	if err != nil {
		return err
	}
	s, err := h.Open(ctx, host.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	found, err := k.list(ctx, s.Env)
	if err != nil {
		return err
	}
	marks := []runmark.Mark{}
	for _, m := range found {
		if all || state(m, s.Now) != over {
			marks = append(marks, m)
		}
	}
	if format == "json" {
		return host.JSON(h.Out, marks)
	}
	_, err = io.WriteString(h.Out, table(h.Style(), k, marks, s.Now, s.Zone))
	return err
}

// The states of a mark.
const (
	over    = "over"
	inForce = "in force"
	toCome  = "to come"
)

func state(m runmark.Mark, now time.Time) string {
	switch until := m.Until(); {
	case m.Holds(now):
		return inForce
	case !until.IsZero() && !now.Before(until):
		return over
	default:
		return toCome
	}
}

func table(st term.Style, k kind, marks []runmark.Mark, now time.Time, zone *time.Location) string {
	if len(marks) == 0 {
		return "no " + k.noun + " is declared; those of documents stand in the documents\n"
	}
	var rows [][]term.Cell
	for _, m := range marks {
		tone := term.Faint
		if state(m, now) == inForce {
			tone = term.Notice
		}
		rows = append(rows, []term.Cell{
			term.Text(m.ID),
			{Text: term.Clean(m.Subject), Middle: true},
			term.Toned(tone, state(m, now)),
			term.Text(term.Instant(m.From.In(zone))), term.Text(until(m, zone)),
			term.Text(term.Clean(m.Author)), term.Text(term.Clean(m.Reason)),
		})
	}
	return st.Table([]term.Column{
		{Title: "ID"},
		{Title: "ABOUT", Min: 8},
		{Title: "STATE"},
		{Title: "FROM", Drop: 3},
		{Title: "UNTIL", Drop: 2},
		{Title: "AUTHOR", Drop: 4},
		{Title: "REASON", Drop: 1, Min: 12, Yield: 9},
	}, rows)
}

func until(m runmark.Mark, zone *time.Location) string {
	if t := m.Until(); !t.IsZero() {
		return term.Instant(t.In(zone))
	}
	return "it is ended"
}

func stretch(m runmark.Mark, zone *time.Location) string {
	return term.Instant(m.From.In(zone)) + " until " + until(m, zone)
}
