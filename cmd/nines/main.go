// Command nines is the one binary: the command line, or the function when Lambda
// starts it. Time zones are built in, because the
// smallest containers carry none.
package main

import (
	"os"
	_ "time/tzdata"

	"gitlab.com/nines-sre/nines/internal/cli"
	"gitlab.com/nines-sre/nines/internal/lambdahost"
	"gitlab.com/nines-sre/nines/internal/wire"
)

// version and commit are written by the linker (-X main.version=...); empty:
// what the go command knows about the module.
var version, commit string //nolint:gochecknoglobals // the linker writes variables only

func main() {
	if os.Getenv(lambdahost.RuntimeAPI) != "" {
		f := wire.Lambda()
		f.Version = version
		lambdahost.Main(f)
		return
	}
	w := wire.CLI()
	w.Version, w.Commit = version, commit
	os.Exit(cli.Main(os.Args[1:], w))
}
