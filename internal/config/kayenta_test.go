package config_test

import (
	"os"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/config"
)

// TestKayentaGuide: the configuration that the guide shows to those who come from
// Kayenta is read, strictly.
func TestKayentaGuide(t *testing.T) {
	const name = "../../doc/guide/kayenta.md"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("there is no example")
	}
	set, problems := config.Parse([]config.File{{Name: name, Data: []byte(example)}}, config.Options{Types: types(), Strict: true})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if len(set.Rollouts) != 1 || set.Rollouts[0].Judge.Kayenta == nil || !set.Rollouts[0].Judge.Kayenta.Compatible {
		t.Errorf("read as %+v", set.Rollouts)
	}
}
