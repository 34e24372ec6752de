// Package store holds the verbs about whole stores: making one, checking it,
// copying it, and summing up what it holds.
package store

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/render/term"
	"gitlab.com/nines-sre/nines/internal/run/stores"
)

func formats() []string { return []string{"text", "json"} }

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	cmd := &cobra.Command{
		Use: "store", Short: "Make, check and copy the store",
		Long: "History and ledger lie in a store: sqlite:PATH, a file on this machine, or dynamodb:TABLE,\n" +
			"a table on AWS that several machines may share.",
	}
	cmd.AddCommand(newCreate(h), newCheck(h), newCopy(h), newDigest(h))
	return cmd
}

// urlOf is the store a verb is about: its argument, else the one the call uses.
func urlOf(h *host.Host, args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return h.StoreURL(nil)
}

func newCreate(h *host.Host) *cobra.Command {
	template := false
	cmd := &cobra.Command{
		Use:   "create [URL]",
		Short: "Make a store, or bring one to the settings it should have",
		Long: "A table is billed by request, recovers to any point in time of the last 35 days, and is\n" +
			"protected against deletion. A store that is there keeps its content.",
		Example: "  nines store create dynamodb:nines?region=eu-central-1\n" +
			"  nines store create dynamodb:nines --cloudformation > table.yaml",
		Args: host.Args(0, 1, "one URL of a store"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return create(cmd.Context(), h, urlOf(h, args), template)
		},
	}
	cmd.Flags().BoolVar(&template, "cloudformation", false, "make nothing; print a CloudFormation template that does")
	return host.Describe(cmd, formats(), nil)
}

func create(ctx context.Context, h *host.Host, url string, template bool) error {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	admin, err := h.AdminStore(url)
	if err != nil {
		return err
	}
	if template {
		if admin.Template == nil {
			return fault.New(fault.Invalid, "store create --cloudformation "+url, "this kind of store needs no template", "leave the flag out")
		}
		_, err := io.WriteString(h.Out, admin.Template())
		return err
	}
	what, err := admin.Create(ctx)
	if err != nil {
		return err
	}
	return show(h, format, map[string]string{"store": url, "result": what}, url+": "+what+"\n")
}

func newCheck(h *host.Host) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [URL]",
		Short: "Look at a store's settings and change nothing",
		Long:  "Without a URL it is the store of --store and NINES_STORE.",
		Example: "  nines store check dynamodb:nines?region=eu-central-1\n" +
			"  nines store check -o json",
		Args: host.Args(0, 1, "one URL of a store"),
		RunE: func(cmd *cobra.Command, args []string) error { return check(cmd.Context(), h, urlOf(h, args)) },
	}
	return host.Describe(cmd, formats(), map[int]string{1: "operational error; or something is not as it should be"})
}

func check(ctx context.Context, h *host.Host, url string) error {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	admin, err := h.AdminStore(url)
	if err != nil {
		return err
	}
	found, err := admin.Check(ctx)
	if err != nil {
		return err
	}
	bad := 0
	var b strings.Builder
	for _, f := range found {
		sign := "ok  "
		if !f.OK {
			sign = "BAD "
			bad++
		}
		fmt.Fprintf(&b, "%s %-22s  %s\n", sign, f.What, term.Clean(f.Text))
	}
	if err := show(h, format, found, b.String()); err != nil {
		return err
	}
	return host.ExitWith(min(bad, 1))
}

func newDigest(h *host.Host) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "digest [URL]",
		Short: "Sum up what a store holds",
		Long: "Two stores with the same digest say the same about every minute of every indicator, and\n" +
			"hold the same ledger, whatever kind of store they are. The chain of the ledger is\n" +
			"verified on the way.",
		Example: "  nines store digest\n" +
			"  nines store digest dynamodb:nines -o json",
		Args: host.Args(0, 1, "one URL of a store"),
		RunE: func(cmd *cobra.Command, args []string) error { return digest(cmd.Context(), h, urlOf(h, args)) },
	}
	return host.Describe(cmd, formats(), nil)
}

func digest(ctx context.Context, h *host.Host, url string) (err error) {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	s, err := h.OpenStore(ctx, url, host.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, s.Close) }()
	if !s.Kept {
		return nothing("store digest", url)
	}
	c, err := stores.Digest(ctx, stores.Side{Timeline: s.Timeline, Ledger: s.Ledger})
	if err != nil {
		return err
	}
	return show(h, format, c, describe(c))
}

func nothing(op, url string) error {
	return fault.New(fault.NotFound, op+" "+url, "there is no store yet", "name a store that nines measure has written")
}

func describe(c stores.Content) string {
	return fmt.Sprintf("%s\n%d indicators, %d measured minutes, %d ledger entries\n", c.Digest, c.Indicators, c.Minutes, c.Entries)
}

func newCopy(h *host.Host) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "copy FROM TO",
		Short: "Copy history and ledger into another store",
		Long: "Everything is copied as it is, and both stores are compared by digest in the end. What is\n" +
			"there already is left alone: a copy that was cut off goes on where it was. Nothing that\n" +
			"differs is overwritten. Let nobody measure or ask the gate meanwhile.",
		Example: "  nines store copy sqlite:.nines/nines.db dynamodb:nines\n" +
			"  nines store copy dynamodb:nines sqlite:backup.db",
		Args: host.Args(2, 2, "FROM and TO, the URLs of two stores"),
		RunE: func(cmd *cobra.Command, args []string) error { return copyStore(cmd.Context(), h, args[0], args[1]) },
	}
	return host.Describe(cmd, formats(), nil)
}

func copyStore(ctx context.Context, h *host.Host, from, to string) (err error) {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	if from == to {
		return fault.New(fault.Invalid, "store copy "+from, "both are the same store", "")
	}
	a, err := h.OpenStore(ctx, from, host.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, a.Close) }()
	if !a.Kept {
		return nothing("store copy", from)
	}
	b, err := h.OpenStore(ctx, to, host.ReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = host.Closing(err, b.Close) }()
	if !b.Kept {
		return fault.New(fault.Invalid, "store copy "+to, "that store keeps nothing", "name sqlite:PATH or dynamodb:TABLE")
	}
	done, err := stores.Copy(ctx, stores.Side{Timeline: a.Timeline, Ledger: a.Ledger}, stores.Side{Timeline: b.Timeline, Ledger: b.Ledger}, nil)
	if err != nil {
		return err
	}
	return show(h, format, done, fmt.Sprintf("copied %d items and %d entries; %d and %d were there already\nboth stores: %s",
		done.Items, done.Entries, done.ItemsThere, done.EntriesThere, describe(done.Content)))
}

// show prints a value as JSON, or its text.
func show(h *host.Host, format string, v any, text string) error {
	if format == "json" {
		return host.JSON(h.Out, v)
	}
	_, err := io.WriteString(h.Out, text)
	return err
}
