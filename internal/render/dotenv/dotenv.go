// Package dotenv prints variables for later jobs of a pipeline, as GitLab takes
// them (artifacts:reports:dotenv): NAME=VALUE, one a line. A report that breaks
// one of GitLab's limits is refused whole and fails the job, so values are made
// to fit here.
package dotenv

import (
	"strings"
)

// Var is a variable. Names are upper case letters, digits and underscores.
type Var struct{ Name, Value string }

// GitLab's limits, those of a fresh installation of one's own, less a little.
const (
	mostVars  = 20
	mostBytes = 5000 // of 5 KB
	cut       = ",..."
)

// Print prints the variables, the first 20 of them. Values are plain tokens:
// what could need quotes becomes "_". Where they are too long together the
// longest loses its end, at a comma if there is one.
func Print(vars []Var) []byte {
	vars = vars[:min(len(vars), mostVars)]
	values := make([]string, len(vars))
	size := 0
	for i, v := range vars {
		values[i] = Token(v.Value)
		size += len(v.Name) + len(values[i]) + len("=\n")
	}
	for size > mostBytes {
		longest := 0
		for i := range values {
			if len(values[i]) > len(values[longest]) {
				longest = i
			}
		}
		shorter := shorten(values[longest], max(len(values[longest])-(size-mostBytes), len(values[longest])/2))
		if len(shorter) >= len(values[longest]) {
			break // names alone are too long: nothing that is ours
		}
		size -= len(values[longest]) - len(shorter)
		values[longest] = shorter
	}
	var b strings.Builder
	for i, v := range vars {
		b.WriteString(v.Name + "=" + values[i] + "\n")
	}
	return []byte(b.String())
}

// shorten cuts to at most so many bytes.
func shorten(value string, most int) string {
	most = max(0, most-len(cut))
	if comma := strings.LastIndexByte(value[:most], ','); comma > 0 {
		most = comma
	}
	return value[:most] + cut
}

// Token is a value without what a reader of the file could take for something
// else: letters, digits and . _ - + : , @ / % = stay.
func Token(value string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._-+:,@/%=", r):
			return r
		}
		return '_'
	}, value)
}
