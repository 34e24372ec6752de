// Package diff is the verb that says what a change of documents does: to the
// documents' meaning, to budgets, and to verdicts.
package diff

import (
	"context"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/run"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/run/status"
)

func formats() []string { return []string{"text", "json"} }

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "What a change of documents does to budgets and verdicts",
		Long: "Diff lists what changed in meaning, not in spelling, and evaluates both sets of documents\n" +
			"over the same history: the store of --store, or with `--store none` the sources\n" +
			"themselves. It records nothing. OLD and NEW are files or folders.",
		Example: "  git worktree add /tmp/old main && nines diff /tmp/old/slo slo\n" +
			"  nines diff old.yaml new.yaml --store none -o json",
		Args: host.Args(2, 2, "OLD and NEW"),
		RunE: func(cmd *cobra.Command, args []string) error { return compare(cmd.Context(), h, args[0], args[1]) },
	}
	return host.Describe(cmd, formats(), map[int]string{0: "compared, whatever differs"})
}

// side is one set of documents and what follows from it.
type side struct {
	catalog  *config.Catalog
	entries  map[string]status.Entry
	verdicts map[string]verdict
}

// verdict is what the gate says of a service, and why.
type verdict struct{ word, reason string }

func compare(ctx context.Context, h *host.Host, before, after string) error {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	was, err := look(ctx, h, before)
	if err != nil {
		return err
	}
	is, err := look(ctx, h, after)
	if err != nil {
		return err
	}
	a := answer(was, is)
	if format == "json" {
		return host.JSON(h.Out, a)
	}
	_, err = io.WriteString(h.Out, a.text(h.Style()))
	return err
}

// look evaluates one set of documents.
func look(ctx context.Context, h *host.Host, path string) (s side, err error) {
	// The store is the one of the whole call; only the documents differ.
	of := *h
	of.Config = []string{path}
	if s.catalog, err = of.Catalog(ctx); err != nil {
		return s, err
	}
	session, err := h.OpenWith(ctx, s.catalog, host.ReadOnly)
	if err != nil {
		return s, err
	}
	defer func() { err = host.Closing(err, session.Close) }()
	if session.URL == host.StoreNone {
		if _, err := measure.Run(ctx, session.Env, measure.Options{}); err != nil {
			h.Note("%s: %v", path, err)
		}
	}
	at, err := h.Instant(session.Zone)
	if err != nil {
		return s, err
	}
	entries, err := status.Read(ctx, session.Env, status.Options{At: at})
	if err != nil {
		return s, err
	}
	s.entries = map[string]status.Entry{}
	for _, e := range entries {
		s.entries[e.Objective.Key()] = e
	}
	s.verdicts, err = verdicts(ctx, h, session.Env, rungate.Options{At: at})
	return s, err
}

// verdicts asks the gate about every service. The ledger is an empty one in
// memory: what the documents say is compared, not who overrode them.
func verdicts(ctx context.Context, h *host.Host, env *run.Env, ask rungate.Options) (map[string]verdict, error) {
	scratch, err := h.OpenStore(ctx, "memory:", host.ReadWrite)
	if err != nil {
		return nil, err
	}
	defer scratch.Close() //nolint:errcheck // it is memory
	with := *env
	with.Ledger, with.Spool = scratch.Ledger, nil
	out := map[string]verdict{}
	for _, service := range run.Services(env.Catalog) {
		ask.Service, ask.Change = service, gate.Change{Class: gate.ClassChange}
		o, err := rungate.Run(ctx, &with, ask)
		if err != nil {
			return nil, err
		}
		v := verdict{word: o.Decision.Verdict.String()}
		if len(o.Decision.Reasons) > 0 {
			v.reason = o.Decision.Reasons[0].Code
		}
		out[service] = v
	}
	return out, nil
}

// keys merges the keys of two maps, sorted.
func keys[V any](a, b map[string]V) []string {
	var out []string
	for k := range a {
		out = append(out, k)
	}
	for k := range b {
		if _, both := a[k]; !both {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}
