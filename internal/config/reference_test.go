package config_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// TestReference: the examples of the reference are right, strictly read and
// together, and show every kind; its tables name every preset.
func TestReference(t *testing.T) {
	const name = "../../doc/reference/documents.md"
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(data), -1) {
		all = append(all, m[1])
	}
	text := strings.Join(all, "---\n")
	_, problems := config.Parse([]config.File{{Name: name, Data: []byte(text)}}, config.Options{Types: types(), Strict: true})
	if len(problems) > 0 {
		t.Errorf("the examples of the reference:\n%v", problems)
	}
	for _, kind := range append(openslo.Kinds(), "GatePolicy", "Exclusion", "Rollout", "Settings", "Tier") {
		if !strings.Contains(text, "kind: "+kind+"\n") {
			t.Errorf("no example of %s", kind)
		}
	}
	for _, p := range config.Presets() {
		if !strings.Contains(string(data), "| `"+p.Key+"` |") {
			t.Errorf("the table does not name the preset %s", p.Key)
		}
	}
}
