package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"gitlab.com/nines-sre/nines/internal/cli"
	"gitlab.com/nines-sre/nines/internal/wire"
)

// manual are the manual pages, one a verb.
func manual(at time.Time) []file {
	var out []file
	var add func(c *cobra.Command)
	add = func(c *cobra.Command) {
		if !c.IsAvailableCommand() && c.HasParent() {
			return
		}
		var b bytes.Buffer
		header := &doc.GenManHeader{Section: "1", Date: &at, Source: "Nines", Manual: "Nines"}
		if err := doc.GenMan(c, header, &b); err != nil {
			panic(fmt.Sprintf("manual page of %s: %v", c.CommandPath(), err)) // the texts are ours: a defect
		}
		out = append(out, file{name: "man/" + strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1", data: b.Bytes(), mode: plain})
		for _, sub := range c.Commands() {
			add(sub)
		}
	}
	add(cli.Tree(wire.CLI()))
	return out
}

// completions are the completion scripts of the shells, by the names they have
// where they are installed.
func completions() []file {
	root := cli.Tree(wire.CLI())
	var out []file
	for name, write := range map[string]func(*bytes.Buffer) error{
		"nines.bash": func(b *bytes.Buffer) error { return root.GenBashCompletionV2(b, true) },
		"_nines":     func(b *bytes.Buffer) error { return root.GenZshCompletion(b) },
		"nines.fish": func(b *bytes.Buffer) error { return root.GenFishCompletion(b, true) },
		"nines.ps1":  func(b *bytes.Buffer) error { return root.GenPowerShellCompletionWithDesc(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			panic(fmt.Sprintf("completion %s: %v", name, err)) // it writes to memory: a defect
		}
		out = append(out, file{name: "completions/" + name, data: b.Bytes(), mode: plain})
	}
	return out
}
