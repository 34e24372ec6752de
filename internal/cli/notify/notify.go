// Package notify is the verb that tries whether those can be told whom
// documents name.
package notify

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/run/tell"
)

type options struct {
	target, severity string
	statuses         []string
	forge            host.ForgeFlags
}

func formats() []string { return []string{"text", "json"} }

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	var opt options
	cmd := &cobra.Command{
		Use:   "notify --test TARGET|ADDRESS",
		Short: "Try whether a notification target can be told",
		Long: "Tell a target of an alert that did not happen, and show what was sent and what came\n" +
			"back, to the letter but for secrets. TARGET is the name of an AlertNotificationTarget;\n" +
			"an ADDRESS, as slack:$NAME, needs no document.\n\n" +
			"It is told twice: that the alert fires, and that it is over, so that nothing stays open.\n" +
			"The alert is a ticket unless --severity says page; a page may wake somebody.",
		Example: "  nines notify --test oncall\n" +
			"  nines notify --test 'pagerduty:$PAGERDUTY_KEY' --severity page\n" +
			"  nines notify --test 'smtp://mail.example.com?from=a@example.com&to=b@example.com' --status firing",
		Args: host.Args(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return opt.run(cmd.Context(), h) },
	}
	f := cmd.Flags()
	f.StringVar(&opt.target, "test", "", "`TARGET` or ADDRESS to tell")
	f.StringSliceVar(&opt.statuses, "status", []string{string(notify.Firing), string(notify.Resolved)}, "`STATUS` to tell, in this order: firing, resolved, no_data, data_back")
	f.StringVar(&opt.forge.URL, "gitlab", "", "`URL` of the GitLab of a target gitlab-issue (CI_SERVER_URL)")
	f.StringVar(&opt.forge.Project, "project", "", "`PROJECT` on it, as group/name (CI_PROJECT_PATH)")
	host.Choice(f, &opt.severity, "severity", "`SEVERITY` of the alert: ticket or page", notify.Ticket, notify.Page)
	host.CompleteChoice(cmd, "severity", notify.Ticket, notify.Page)
	return host.Describe(cmd, formats(), map[int]string{0: "the target took everything", 1: "it did not"})
}

func (o *options) run(ctx context.Context, h *host.Host) error {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	statuses, err := o.parse()
	if err != nil {
		return err
	}
	name, address, err := o.find(ctx, h)
	if err != nil {
		return err
	}
	resolved, secrets, err := h.Resolve(ctx, address)
	if err != nil {
		return err
	}
	tried, err := tell.Try(ctx, tell.Trial{
		Statuses: statuses, Severity: o.severity, At: h.Now(), Secrets: secrets,
		Open: func(w notify.Watch) (notify.Target, error) { return h.WatchedTarget(&o.forge, resolved, w) },
	})
	if err != nil {
		return err
	}
	if format == "json" {
		err = printJSON(h.Out, name, address, tried)
	} else {
		err = printText(h.Out, name, address, tried)
	}
	if last := tried[len(tried)-1]; err == nil && last.Err != nil {
		return last.Err
	}
	return err
}

func (o *options) parse() ([]notify.Status, error) {
	if o.target == "" {
		return nil, fault.New(fault.Invalid, "nines notify", "--test names nobody", "write --test TARGET, the name of an AlertNotificationTarget, or an address")
	}
	var out []notify.Status
	for _, s := range o.statuses {
		switch status := notify.Status(s); status {
		case notify.Firing, notify.Resolved, notify.NoData, notify.DataBack:
			out = append(out, status)
		default:
			return nil, fault.New(fault.Invalid, "--status "+s, "there is no such status", "they are firing, resolved, no_data and data_back")
		}
	}
	if len(out) == 0 {
		return nil, fault.New(fault.Invalid, "--status", "it is empty", "")
	}
	return out, nil
}

// find finds whom to tell: an address, or a target of the documents.
func (o *options) find(ctx context.Context, h *host.Host) (string, notify.Address, error) {
	if a, err := notify.Parse(o.target); err == nil {
		return "", a, nil
	} else if strings.Contains(o.target, ":") {
		return "", a, err
	}
	catalog, err := h.Catalog(ctx)
	if err != nil {
		return "", notify.Address{}, err
	}
	var names []string
	for _, t := range host.Targets(catalog) {
		if t.Name == o.target {
			return reachable(t)
		}
		names = append(names, t.Name)
	}
	hint := "the documents name no target at all"
	if len(names) > 0 {
		hint = "there are " + strings.Join(names, ", ")
	}
	return "", notify.Address{}, fault.New(fault.NotFound, "target "+o.target, "the documents have no such AlertNotificationTarget", hint)
}

func reachable(t config.AlertTarget) (string, notify.Address, error) {
	if t.Address.Kind == "" {
		return "", notify.Address{}, fault.New(fault.Invalid, "target "+t.Name, "its document does not say where it is", "add the annotation nines/address, as slack:$NAME")
	}
	return t.Name, t.Address, nil
}

func printJSON(w io.Writer, name string, a notify.Address, tried []tell.Tried) error {
	return host.JSON(w, struct {
		Target  string       `json:"target,omitempty"`
		Address string       `json:"address"`
		Tried   []tell.Tried `json:"tried"`
	}{name, a.String(), tried})
}

func printText(w io.Writer, name string, a notify.Address, tried []tell.Tried) error {
	var b strings.Builder
	to := a.String()
	if name != "" {
		to = name + " (" + to + ")"
	}
	for _, t := range tried {
		fmt.Fprintf(&b, "%s: %s\n", to, t.Status)
		for _, x := range t.Exchanges {
			b.WriteString("  " + shown(x.To) + "\n" + quoted("> ", x.Sent) + quoted("< ", x.Got))
		}
		if t.Took {
			b.WriteString("  taken\n")
		} else {
			b.WriteString("  not taken: " + shown(t.Error) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// quoted puts a mark before each line. What is long, as a picture, is cut.
func quoted(mark, text string) string {
	const longest, most = 4000, 200
	var b strings.Builder
	lines := strings.Split(strings.TrimRight(text, "\r\n"), "\n")
	for i, line := range lines {
		if i == most {
			fmt.Fprintf(&b, "  %s... %d more lines\n", mark, len(lines)-most)
			break
		}
		line = shown(strings.TrimRight(line, "\r"))
		if r := []rune(line); len(r) > longest {
			line = fmt.Sprintf("%s... %d more letters", string(r[:longest]), len(r)-longest)
		}
		b.WriteString(strings.TrimRight("  "+mark+line, " ") + "\n")
	}
	return b.String()
}

// shown leaves out what would move a terminal.
func shown(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}
