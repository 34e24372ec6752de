package host

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Annotations of a verb that help and completion read.
const (
	Formats   = "formats"    // output formats, separated by spaces; the first is the default
	ExitCodes = "exit_codes" // lines "code\tmeaning"
)

// Describe attaches a verb's output formats and exit codes to it. Codes 1 and
// 2 mean the same everywhere and are always listed; more adds to them or says
// them more exactly.
func Describe(cmd *cobra.Command, formats []string, more map[int]string) *cobra.Command {
	meaning := map[int]string{
		0: "done",
		1: "operational error: a store, a source or a file could not be used",
		2: "usage or document error",
	}
	maps.Copy(meaning, more)
	var b strings.Builder
	for code := range 6 {
		if text, ok := meaning[code]; ok {
			b.WriteString(strconv.Itoa(code) + "\t" + text + "\n")
		}
	}
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	cmd.Annotations[Formats] = strings.Join(formats, " ")
	cmd.Annotations[ExitCodes] = b.String()
	return cmd
}

// choice is a flag that takes one of a few words.
type choice struct {
	value   *string
	allowed []string
}

func (c choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

func (c choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		return fmt.Errorf("it is %s", orList(c.allowed))
	}
	*c.value = s
	return nil
}

func (choice) Type() string { return "word" }

// Choice declares a flag that takes one of the allowed words; the first is the
// default, which may be "".
func Choice(flags *pflag.FlagSet, value *string, name, usage string, allowed ...string) {
	*value = allowed[0]
	flags.Var(choice{value, allowed}, name, usage)
}

// CompleteChoice completes a flag with words.
func CompleteChoice(cmd *cobra.Command, flag string, words ...string) {
	// It fails only for a flag that is not there, which every test would show.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// Args checks the number of arguments; want names them in the error, as
// "SERVICE" does.
func Args(least, most int, want string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) > most && most == 0:
			return fmt.Errorf("unexpected argument %q: this verb takes none", args[0])
		case len(args) > most:
			return fmt.Errorf("unexpected argument %q: this verb takes %s", args[most], want)
		case len(args) < least:
			return fmt.Errorf("an argument is missing: %s", want)
		}
		return nil
	}
}
