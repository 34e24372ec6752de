package host

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/render/term"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// ReadAccess is what a verb that answers wants of its store: it writes what it
// brings in, unless --offline says that it brings nothing in.
func (h *Host) ReadAccess() Access {
	if h.Offline {
		return ReadOnly
	}
	return ReadWrite
}

// BringIn brings in what is missing behind the newest answered minutes of the
// selected objectives before a verb answers. With --store none it reads
// everything the objectives need, in few datapoints; with --offline it does nothing.
func (h *Host) BringIn(ctx context.Context, s *Session, selected []string) error {
	if h.Offline {
		return nil
	}
	none := s.URL == StoreNone
	rep, err := measure.Run(ctx, s.Env, measure.Options{Select: selected, TailOnly: !none, Brief: none})
	if rep.Condensed > 0 {
		h.Note("without a store, what is older than %s is read in steps of 5m: the old edge of a look-back may be off by less than 5m",
			slo.FormatLength(measure.BriefReach))
	}
	return err
}

// Note writes a line of information to standard error, unless --quiet.
func (h *Host) Note(format string, args ...any) {
	if !h.Quiet {
		_, _ = fmt.Fprintln(h.Err, "nines: "+term.Clean(fmt.Sprintf(format, args...)))
	}
}

// CompleteServices completes the names of services.
func (h *Host) CompleteServices(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return h.complete(cmd, args, false)
}

// CompleteObjectives completes services and service/slo.
func (h *Host) CompleteObjectives(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return h.complete(cmd, args, true)
}

// complete reads the documents quietly; broken ones complete nothing.
func (h *Host) complete(cmd *cobra.Command, args []string, slos bool) ([]string, cobra.ShellCompDirective) {
	h.Quiet = true
	catalog, err := h.Catalog(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	for _, o := range catalog.Objectives {
		words = append(words, o.Service)
		if slos {
			words = append(words, o.Service+"/"+o.SLO)
		}
	}
	slices.Sort(words)
	words = slices.Compact(words)
	words = slices.DeleteFunc(words, func(w string) bool { return slices.Contains(args, w) })
	return words, cobra.ShellCompDirectiveNoFileComp
}
