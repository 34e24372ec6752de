package config_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(config.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("nines.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("nines.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plain is a document as an editor hands it to its validator.
func plain(n *openslo.Node) any {
	switch n.Kind {
	case openslo.Map:
		out := map[string]any{}
		for k, v := range n.Entries() {
			out[k] = plain(v)
		}
		return out
	case openslo.List:
		out := []any{}
		for _, it := range n.List() {
			out = append(out, plain(it))
		}
		return out
	case openslo.Number:
		return json.Number(n.Text)
	case openslo.Bool:
		return n.True()
	case openslo.Null:
		return nil
	case openslo.String:
	}
	return n.Text
}

func documents(t *testing.T, file string) []*openslo.Node {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	docs, _ := openslo.Read(file, data)
	return docs
}

func TestSchemaTakesValid(t *testing.T) {
	s := compiled(t)
	n := 0
	for _, file := range corpus(t, "valid") {
		for _, d := range documents(t, file) {
			n++
			if err := s.Validate(plain(d)); err != nil {
				t.Errorf("%v: %v", d.Place, err)
			}
		}
	}
	if n < 30 {
		t.Errorf("only %d documents were validated", n)
	}
}

// TestSchemaRefusesInvalid: of the invalid corpus the schema refuses at least
// what a single value or field shows. The files listed hold only problems
// between documents, or between fields, which are lint's.
func TestSchemaRefusesInvalid(t *testing.T) {
	s := compiled(t)
	between := []string{"circular", "duplicates", "dangling", "cloudwatch", "alias-cycle", "malformed", "deep", "tabs", "annotations", "alert-targets", "tagged", "cut", "bomb"}
	for _, file := range corpus(t, "invalid") {
		base := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		if strings.Contains(strings.Join(between, " "), base) {
			continue
		}
		t.Run(base, func(t *testing.T) {
			refused := 0
			for _, d := range documents(t, file) {
				if plainly(d) && s.Validate(plain(d)) != nil {
					refused++
				}
			}
			if refused == 0 {
				t.Error("the schema takes every document of it")
			}
		})
	}
}

// plainly leaves out numbers that JSON cannot write.
func plainly(n *openslo.Node) bool {
	if n.Kind == openslo.Number && !json.Valid([]byte(n.Text)) {
		return false
	}
	for _, v := range n.Entries() {
		if !plainly(v) {
			return false
		}
	}
	for _, v := range n.List() {
		if !plainly(v) {
			return false
		}
	}
	return true
}

// TestSchemaAgrees: whatever lint takes without a word, the schema takes. The
// schema may be milder than lint, never stricter.
func TestSchemaAgrees(t *testing.T) {
	s := compiled(t)
	checked := 0
	for _, file := range corpus(t, "invalid") {
		for _, d := range documents(t, file) {
			text, err := openslo.Write([]*openslo.Node{d})
			if err != nil {
				t.Fatal(err)
			}
			_, problems := config.Parse([]config.File{{Name: "a.yaml", Data: text}}, config.Options{Types: types()})
			if len(problems) > 0 {
				continue
			}
			checked++
			if err := s.Validate(plain(d)); err != nil {
				t.Errorf("%v: lint takes it, the schema does not: %v", d.Place, err)
			}
		}
	}
	if checked < 5 {
		t.Errorf("only %d documents were compared", checked)
	}
}
