// Package status is the verb that answers how much budget is left.
package status

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	runstatus "gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

type options struct {
	selected []string
	watch    bool
	every    time.Duration
}

// formats are what the verb prints; the first is the default.
func formats() []string { return []string{"table", "json", "csv", "markdown"} }

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	var opt options
	cmd := &cobra.Command{
		Use:   "status [SERVICE | SERVICE/SLO]...",
		Short: "How much error budget is left, and how fast it goes",
		Long: "Status brings the newest usable minutes in (--offline does not) and prints one line an\n" +
			"objective: the budget left, burn rates, when it would be used up, how much of the\n" +
			"window is measured, the level and its flags. One SERVICE/SLO is shown in detail.\n\n" +
			"A narrow terminal loses columns in this order: SLI, target, burn over 6h, coverage, trend,\n" +
			"exhaustion, bar, burn over 1h, flags (an ! behind the level stands for them).\n" +
			"Pipes get every column, no colour and no drawing.",
		Example: "  nines status\n" +
			"  nines status payment-api/availability\n" +
			"  nines status --watch --every 30s\n" +
			"  nines status -o json | jq '.objectives[] | select(.level != \"healthy\")'\n" +
			"  nines status --at 2025-01-31T00:01:00Z --offline",
		ValidArgsFunction: h.CompleteObjectives,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.selected = args
			return opt.run(cmd.Context(), h)
		},
	}
	cmd.Flags().BoolVar(&opt.watch, "watch", false, "keep the screen up to date until interrupted")
	cmd.Flags().DurationVar(&opt.every, "every", 15*time.Second, "how `OFTEN` --watch looks again, at least 1s")
	return host.Describe(cmd, formats(), map[int]string{0: "answered, whatever the level"})
}

func (o *options) run(ctx context.Context, h *host.Host) error {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	if o.watch {
		return o.keep(ctx, h, format)
	}
	v, err := o.look(ctx, h)
	if err != nil {
		return err
	}
	return v.print(h, format)
}

// View is how objectives stand, ready to be printed.
type View struct {
	Entries []runstatus.Entry
	Zone    *time.Location // for display
	Now     time.Time
	Detail  bool                          // everything known, in place of a table
	Metas   map[timeline.ID]timeline.Meta // of the indicators; only in detail
}

// look reads how the selected objectives stand.
func (o *options) look(ctx context.Context, h *host.Host) (v View, err error) {
	s, err := h.Open(ctx, h.ReadAccess())
	if err != nil {
		return View{}, err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	v.Now, v.Zone = s.Now, s.Zone
	at, err := h.Instant(v.Zone)
	if err != nil {
		return View{}, err
	}
	if err := h.BringIn(ctx, s, o.selected); err != nil && fault.KindOf(err) == fault.Canceled {
		return View{}, err
	} else if err != nil {
		h.Note("the newest minutes could not be brought in: %v", err)
	}
	v.Detail = o.detailed()
	v.Entries, err = runstatus.Read(ctx, s.Env, runstatus.Options{At: at, Select: o.selected, Detail: true})
	if err != nil || !v.Detail {
		return v, err
	}
	v.Metas, err = s.History.Meta(ctx, v.indicators()...)
	return v, err
}

// detailed says whether exactly one SERVICE/SLO was asked for.
func (o *options) detailed() bool {
	return len(o.selected) == 1 && strings.Contains(o.selected[0], "/")
}

func (v View) indicators() []timeline.ID {
	var ids []timeline.ID
	for _, e := range v.Entries {
		if e.Objective.Indicator != "" {
			ids = append(ids, timeline.ID(e.Objective.Indicator))
		}
	}
	return ids
}

func (v View) print(h *host.Host, format string) error {
	var text string
	switch format {
	case "json":
		return v.JSON(h.Out)
	case "csv":
		return v.CSV(h.Out)
	case "markdown":
		text = v.Markdown()
	default:
		text = v.Text(h.Style())
	}
	_, err := io.WriteString(h.Out, text)
	return err
}

// name is how an objective is called in a table: service/slo, with the
// objective's own name where its SLO has several here.
func (v View) name(e runstatus.Entry) string {
	text := e.Objective.Service + "/" + e.Objective.SLO
	for _, other := range v.Entries {
		if other.Objective.Service == e.Objective.Service && other.Objective.SLO == e.Objective.SLO && other.Objective.Name != e.Objective.Name {
			return text + "/" + e.Objective.Name
		}
	}
	return text
}

// flags joins an entry's flags.
func flags(e runstatus.Entry) string {
	words := make([]string, len(e.Status.Flags))
	for i, f := range e.Status.Flags {
		words[i] = string(f)
	}
	return strings.Join(words, ",")
}

// level is the level's word.
func level(e runstatus.Entry) string { return fmt.Sprint(e.Status.Level) }

// lookback prints a length in its largest whole unit: 5m, 1h, 3d.
