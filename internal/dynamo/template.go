package dynamo

import (
	_ "embed" // the template
	"strings"
)

//go:embed table.yaml
var template string

// Template returns a CloudFormation template that makes the table as Create does,
// and the two policies for those who measure and those who ask. The table outlives
// the stack.
func Template(name string) string { return strings.ReplaceAll(template, "NAME", name) }
