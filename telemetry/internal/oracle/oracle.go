// Package oracle holds what the library prints against what others say about it:
// the published schemas of CloudWatch's embedded metric format and of X-Ray's
// segment documents, and the official TypeScript library for Lambda, run beside
// ours. It is for tests: nothing but _test files imports it, so that a function
// gets no schema validator.
//
// Checks come in two forms: Check… returns an error, and the one that takes a
// test ends it. A check looks at bytes as they were printed, also at what a JSON
// decoder would forgive: members twice, something before or after the document.
package oracle

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// files are the schemas and the cases.
//
//go:embed testdata/*.json powertools.mjs
var files embed.FS

// Field is a member of an object as it stands in the text.
type Field struct {
	Key   string
	Value json.RawMessage
}

// Fields takes the line of a record apart, in the order of its members, those of
// the outermost object. It fails the test when the line is not exactly one object,
// or has a member twice.
func Fields(tb testing.TB, line []byte) []Field {
	tb.Helper()
	fields, err := members(line)
	if err != nil {
		tb.Fatalf("%v, in:\n%s", err, line)
	}
	return fields
}

// members are an object's members in their order.
func members(doc []byte) ([]Field, error) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	open, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("no JSON: %w", err)
	}
	if open != json.Delim('{') {
		return nil, fmt.Errorf("starts with %v, an object starts with {", open)
	}
	var fields []Field
	seen := map[string]bool{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("no JSON: %w", err)
		}
		f := Field{Key: fmt.Sprint(key)}
		if err := dec.Decode(&f.Value); err != nil {
			return nil, fmt.Errorf("no JSON in member %q: %w", f.Key, err)
		}
		if seen[f.Key] {
			return nil, fmt.Errorf("member %q stands twice", f.Key)
		}
		seen[f.Key] = true
		fields = append(fields, f)
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("the object has no end: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows after the object")
	}
	return fields, nil
}

// schemas are the schemas of testdata, each compiled when it is first needed.
//
//nolint:gochecknoglobals // a table that never changes; compiling is what takes long
var schemas = map[string]func() (*jsonschema.Schema, error){
	"emf-2021":     sync.OnceValues(func() (*jsonschema.Schema, error) { return compile("emf-2021.schema.json") }),
	"emf-2024":     sync.OnceValues(func() (*jsonschema.Schema, error) { return compile("emf-2024.schema.json") }),
	"xray-segment": sync.OnceValues(func() (*jsonschema.Schema, error) { return compile("xray-segment.schema.json") }),
}

func compile(file string) (*jsonschema.Schema, error) {
	text, err := files.ReadFile("testdata/" + file)
	if err != nil {
		return nil, err
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(file, parsed); err != nil {
		return nil, err
	}
	return c.Compile(file)
}

// against validates a document with one of the schemas.
func against(schema string, doc []byte) error {
	get, ok := schemas[schema]
	if !ok {
		return fmt.Errorf("no schema %q", schema)
	}
	compiled, err := get()
	if err != nil {
		return fmt.Errorf("schema %s: %w", schema, err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		return fmt.Errorf("no JSON: %w", err)
	}
	if err := compiled.Validate(value); err != nil {
		return fmt.Errorf("against the schema %s: %w", schema, err)
	}
	return nil
}
