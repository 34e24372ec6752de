//go:build !unix

package line

import (
	"io"
	"os"
)

func pollable(io.Writer) stream { return nil }

func own(std *os.File) io.Writer { return std }

func descriptor(*os.File) int { return 1 }
