// Command nines is the one binary. Time zones are built in, because the
// smallest containers carry none.
package main

import (
	"os"
	_ "time/tzdata"

	"gitlab.com/nines-sre/nines/internal/cli"
	"gitlab.com/nines-sre/nines/internal/wire"
)

func main() { os.Exit(cli.Main(os.Args[1:], wire.CLI())) }
