// Package doctor is the verb that looks at everything an answer rests on.
package doctor

import (
	"context"
	"encoding/json"
	"io"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	runalert "gitlab.com/nines-sre/nines/internal/run/alert"
	rundoctor "gitlab.com/nines-sre/nines/internal/run/doctor"
)

type options struct {
	selected []string
	policy   bool
	role     string
	discover bool
}

func formats() []string { return []string{"text", "json"} }

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	var opt options
	cmd := &cobra.Command{
		Use:   "doctor [SERVICE | SERVICE/SLO]...",
		Short: "Is everything there that an answer rests on?",
		Long: "Doctor checks documents, store, credentials, each right by its action's name, regions,\n" +
			"the clock, and that every metric and dimension of the documents exists, is published as\n" +
			"often as they assume, and is fresh. Each line is ok, warn, fail or unknown, and says what\n" +
			"to do. It reads each metric's last three hours once, which CloudWatch bills, and changes\n" +
			"nothing but a probe in the store.\n\n" +
			"The least IAM policy for exactly these documents stands at the end; --policy prints it\n" +
			"alone and asks nobody.",
		Example: "  nines doctor\n" +
			"  nines doctor payment-api -o json\n" +
			"  nines doctor --policy > policy.json\n" +
			"  nines doctor --policy --role arn:aws:iam::123456789012:role/nines",
		ValidArgsFunction: h.CompleteObjectives,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.selected = args
			return opt.run(cmd.Context(), h)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&opt.policy, "policy", false, "print the IAM policy alone, as JSON")
	f.StringVar(&opt.role, "role", "", "with --policy: that of the role of this `ARN`, in place of who runs nines")
	f.BoolVar(&opt.discover, "discover", false, "look at what discovering services needs besides")
	return host.Describe(cmd, formats(), map[int]string{
		0: "nothing failed, though there may be warnings",
		1: "a check failed",
		2: "usage error; with --policy a document error too",
	})
}

func (o *options) run(ctx context.Context, h *host.Host) error {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	if o.role != "" && !o.policy {
		return fault.New(fault.Invalid, "--role "+o.role, "it chooses among policies", "give --policy with it")
	}
	if o.policy {
		return o.rights(ctx, h)
	}
	rep, err := o.look(ctx, h)
	if err != nil {
		return err
	}
	if format == "json" {
		err = encode(h.Out, rep)
	} else {
		_, err = io.WriteString(h.Out, text(rep, h.Style()))
	}
	if err == nil && rep.Failed > 0 {
		err = host.ExitWith(1)
	}
	return err
}

// look checks ourselves first, then the sources.
func (o *options) look(ctx context.Context, h *host.Host) (rundoctor.Report, error) {
	var rep rundoctor.Report
	catalog, err := h.Catalog(ctx)
	if err != nil {
		rep.Add("", rundoctor.Documents(err), store(ctx, h, nil))
		return rep, nil
	}
	s, err := h.Storeless(catalog)
	if err != nil {
		return rep, err
	}
	rep, err = rundoctor.Run(ctx, s.Env, rundoctor.Options{Select: o.selected, Discover: o.discover, Offline: h.Offline})
	if err != nil {
		return rep, err
	}
	sources := rep.Checks[1:]
	all := rundoctor.Report{Asked: rep.Asked, Policies: rep.Policies}
	kept := store(ctx, h, catalog)
	all.Add("", rep.Checks[0].Finding, kept)
	if kept.Outcome == metric.OK && kept.Subject != host.StoreNone {
		all.Add("", volume(ctx, h, catalog, o.selected)...)
	}
	for _, line := range sources {
		all.Add(line.Source, line.Finding)
	}
	return all, nil
}

// store checks the store that the other verbs would use.
func store(ctx context.Context, h *host.Host, catalog *config.Catalog) metric.Finding {
	url := h.StoreURL(catalog)
	if url == host.StoreNone {
		return metric.Finding{Check: "store", Subject: url, Outcome: metric.OK, Text: "nothing is kept"}
	}
	stores, err := h.OpenStore(ctx, url, host.ReadWrite)
	if err != nil {
		return rundoctor.NoStore(url, err)
	}
	found := rundoctor.Store(ctx, url, stores.Timeline)
	if err := stores.Close(); err != nil && found.Outcome == metric.OK {
		return rundoctor.NoStore(url, err)
	}
	return found
}

// volume looks in the history for objectives that cannot be alerted on.
func volume(ctx context.Context, h *host.Host, catalog *config.Catalog, selected []string) (out []metric.Finding) {
	s, err := h.OpenWith(ctx, catalog, host.ReadOnly)
	if err != nil {
		return nil // the check of the store says so
	}
	all, err := runalert.Volumes(ctx, s.Env, selected)
	if err = host.Closing(err, s.Close); err != nil {
		return []metric.Finding{{Check: "volume", Outcome: metric.Unknown, Text: err.Error(), Do: fault.HintOf(err)}}
	}
	for i := range all {
		if text := all[i].Whole(); text != "" {
			out = append(out, metric.Finding{Check: "volume", Subject: all[i].Objective.Key(), Outcome: metric.Warn, Text: text, Do: runalert.Enough})
		}
	}
	return out
}

// rights prints one policy.
func (o *options) rights(ctx context.Context, h *host.Host) error {
	catalog, err := h.Catalog(ctx)
	if err != nil {
		return err
	}
	s, err := h.Storeless(catalog)
	if err != nil {
		return err
	}
	policies, err := rundoctor.Rights(ctx, s.Env, rundoctor.Options{Select: o.selected, Discover: o.discover})
	if err != nil {
		return err
	}
	hint := "these documents need no rights"
	for _, p := range policies {
		if p.Role == o.role {
			return encode(h.Out, p.Document)
		}
		if p.Role != "" {
			hint = "the documents take " + p.Role
		}
	}
	if o.role != "" {
		return fault.New(fault.NotFound, "--role "+o.role, "the documents take no such role", hint)
	}
	h.Note("the documents need no rights of AWS")
	return encode(h.Out, rundoctor.Document{Version: "2012-10-17", Statement: []rundoctor.Statement{}})
}

func encode(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
