// Package test is the verb that runs tests of objectives.
package test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/render/junit"
	"gitlab.com/nines-sre/nines/internal/render/term"
	"gitlab.com/nines-sre/nines/internal/script"
)

func formats() []string { return []string{"text", "json", "junit"} }

// failed is the exit code of tests that ran and did not come true.
const failed = 3

// New returns the verb.
func New(h *host.Host) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test FILE...",
		Short: "Run tests of objectives: samples in, budgets, alerts and gates out",
		Long: "A test loads samples, and says what it expects at an instant: the budget, burn rates, levels,\n" +
			"conditions, who was told, what the gate answers. Objectives are declared in the test, or are\n" +
			"those of the documents; sources, stores and clocks are not asked. A folder stands for the\n" +
			"files below it that end in .nines. doc/reference/test-scripts.md describes the language.",
		Example: "  nines test slo/tests\n" +
			"  nines test outage.nines\n" +
			"  nines test outage.nines -o json",
		Args: host.Args(1, 10_000, "FILEs"),
		RunE: func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), h, args) },
	}
	return host.Describe(cmd, formats(), map[int]string{
		0: "every expectation came true", 2: "usage error, or a test that cannot be read, with file and line", failed: "an expectation did not come true",
	})
}

func run(ctx context.Context, h *host.Host, args []string) error {
	format, err := h.Format(formats()...)
	if err != nil {
		return err
	}
	files, err := found(args)
	if err != nil {
		return err
	}
	scripts, err := parsed(files)
	if err != nil {
		return err
	}
	var results []script.Result
	bad := 0
	for _, s := range scripts {
		r, err := script.Run(s, func() (*config.Catalog, error) { return h.Catalog(ctx) })
		if err != nil {
			return err //nolint:wrapcheck // it says file and line
		}
		bad += len(r.Failures)
		results = append(results, r)
	}
	if err := write(h, format, results, bad); err != nil {
		return fault.Wrap(fault.Internal, "print", err, "")
	}
	if bad > 0 {
		return host.ExitWith(failed)
	}
	return nil
}

func write(h *host.Host, format string, results []script.Result, bad int) error {
	switch format {
	case "json":
		return host.JSON(h.Out, map[string]any{"tests": results, "failed": bad})
	case "junit":
		suite := junit.Suite{Name: "nines test"}
		for _, r := range results {
			c := junit.Case{Class: "nines.test", Name: r.File, File: r.File, Outcome: junit.Passed}
			if n := len(r.Failures); n > 0 {
				c.Outcome, c.Kind = junit.Failed, "expectation"
				c.Message = fmt.Sprintf("%d of %s did not come true", n, term.Plural(r.Checks, "expectation"))
				c.Text = text(term.Style{}, []script.Result{r})
			}
			suite.Cases = append(suite.Cases, c)
		}
		body, err := suite.XML()
		if err != nil {
			return err
		}
		_, err = h.Out.Write(body)
		return err
	}
	_, err := io.WriteString(h.Out, text(h.Style(), results))
	return err
}

// parsed reads all scripts; every problem of all of them is reported.
func parsed(files []string) ([]*script.Script, error) {
	var scripts []*script.Script
	var problems fault.Problems
	for _, file := range files {
		data, err := os.ReadFile(file) //nolint:gosec // the user names the file
		if err != nil {
			return nil, fault.Wrap(fault.NotFound, "test "+file, err, "name a test, or a folder with some")
		}
		s, ps := script.Parse(file, data)
		scripts, problems = append(scripts, s), append(problems, ps...)
	}
	return scripts, problems.Err(false) //nolint:wrapcheck // it is of package fault
}

// found replaces folders by the tests below them.
func found(args []string) ([]string, error) {
	var out []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil || !info.IsDir() {
			out = append(out, arg) // reading it says what is wrong
			continue
		}
		n := len(out)
		err = filepath.WalkDir(arg, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && filepath.Ext(path) == ".nines" {
				out = append(out, path)
			}
			return err
		})
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, "test "+arg, err, "")
		}
		if len(out) == n {
			return nil, fault.New(fault.NotFound, "test "+arg, "there is no file that ends in .nines below it", "name the file")
		}
		slices.Sort(out[n:])
	}
	return out, nil
}

func text(style term.Style, results []script.Result) string {
	var b strings.Builder
	checks, bad := 0, 0
	for _, r := range results {
		checks += r.Checks
		bad += len(r.Failures)
		if len(r.Failures) == 0 {
			fmt.Fprintf(&b, "%s  %s  %s\n", style.Paint(term.Good, "ok  "), r.File, term.Plural(r.Checks, "expectation"))
			continue
		}
		fmt.Fprintf(&b, "%s  %s  %d of %s\n", style.Paint(term.Bad, "FAIL"), r.File, len(r.Failures), term.Plural(r.Checks, "expectation"))
		for _, f := range r.Failures {
			fmt.Fprintf(&b, "      %s:%d: %s\n            got %s\n", f.Place.File, f.Place.Line, f.Expected, f.Got)
		}
	}
	if len(results) > 1 {
		fmt.Fprintf(&b, "%s, %s, %d failed\n", term.Plural(len(results), "test"), term.Plural(checks, "expectation"), bad)
	}
	return b.String()
}
