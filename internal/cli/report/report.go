// Package report prints an answer in the forms that pipelines read: to standard
// output in one of them, and to files in others. What gate, canary and watch
// answer all goes through here.
package report

import (
	"bytes"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/render/dotenv"
	"gitlab.com/nines-sre/nines/internal/render/gitlab"
	"gitlab.com/nines-sre/nines/internal/render/junit"
	"gitlab.com/nines-sre/nines/internal/render/openmetrics"
	"gitlab.com/nines-sre/nines/internal/render/term"
)

// Answer is what is said, in each form.
type Answer struct {
	Text    func(term.Style) string // for people
	Object  any                     // printed as JSON
	Suite   junit.Suite
	Vars    []dotenv.Var
	Links   gitlab.Links // shown beside the job
	Metrics []openmetrics.Family
}

// Formats are the forms that an answer has; the first is the default.
func Formats() []string {
	return []string{"text", "json", "junit", "dotenv", "annotations", "metrics"}
}

// Flags are the flags of verbs with reports.
type Flags struct{ reports []string }

// Declare declares them.
func (o *Flags) Declare(f *pflag.FlagSet) {
	f.StringArrayVar(&o.reports, "report", nil, "write a `FORMAT=FILE` too, as junit=gate.xml; may be given again")
}

// Out is where an answer goes.
type Out struct {
	format string
	files  []file
}

// file takes an answer beside the one that is printed.
type file struct{ format, name string }

// Open reads the flags and --output. The error is of kind Invalid: it comes
// before anything is done.
func (o *Flags) Open(h *host.Host) (Out, error) {
	var out Out
	var err error
	if out.format, err = h.Format(Formats()...); err != nil {
		return out, err
	}
	for _, text := range o.reports {
		format, name, ok := strings.Cut(text, "=")
		if !ok || name == "" || !slices.Contains(Formats(), format) {
			return out, fault.New(fault.Invalid, "--report "+text, "it is not FORMAT=FILE", "as in junit=gate.xml; formats are "+strings.Join(Formats(), ", "))
		}
		out.files = append(out.files, file{format, name})
	}
	return out, nil
}

// Format is the one that standard output takes.
func (o Out) Format() string { return o.format }

// Say prints an answer and writes the reports. A report that cannot be written is
// said on standard error: it changes no verdict.
func (o Out) Say(h *host.Host, a Answer) error {
	body, err := a.In(o.format, h.Style())
	if err != nil {
		return err
	}
	if _, err := h.Out.Write(body); err != nil {
		return fault.Wrap(fault.Internal, "print", err, "")
	}
	for _, f := range o.files {
		if err := f.write(a); err != nil {
			h.Note("%v", err)
		}
	}
	return nil
}

// write writes a report.
func (f file) write(a Answer) error {
	body, err := a.In(f.format, term.Style{})
	if err != nil {
		return fault.Wrap(fault.Internal, "--report "+f.format, err, "")
	}
	const everybody = 0o644 // an artifact: the runner collects it, perhaps as somebody else
	if err := os.WriteFile(f.name, body, everybody); err != nil {
		return fault.Wrap(fault.Unavailable, "--report "+f.format+"="+f.name, err, "")
	}
	return nil
}

// In returns the answer in a format.
func (a Answer) In(format string, st term.Style) ([]byte, error) {
	switch format {
	case "json":
		var b bytes.Buffer
		err := host.JSON(&b, a.Object)
		return b.Bytes(), err
	case "junit":
		return a.Suite.XML()
	case "dotenv":
		return dotenv.Print(a.Vars), nil
	case "annotations":
		return gitlab.Annotations(a.Links) //nolint:wrapcheck // says all there is to say
	case "metrics":
		return openmetrics.Print(a.Metrics), nil
	}
	return []byte(a.Text(st)), nil
}
