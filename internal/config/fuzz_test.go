package config_test

import (
	"os"
	"testing"

	"gitlab.com/nines-sre/nines/internal/config"
)

// FuzzParse: no bytes make lint panic, every problem has its place and words,
// and every report can be printed. What expands without a problem says the
// same as the short form.
func FuzzParse(f *testing.F) {
	for _, folder := range []string{"valid", "invalid"} {
		entries, err := os.ReadDir("testdata/" + folder)
		if err != nil {
			f.Fatal(err)
		}
		for _, e := range entries {
			data, err := os.ReadFile("testdata/" + folder + "/" + e.Name())
			if err != nil {
				f.Fatal(err)
			}
			if len(data) < 8000 {
				f.Add(data)
			}
		}
	}
	opt := config.Options{Types: types()}
	f.Fuzz(func(t *testing.T, data []byte) {
		files := []config.File{{Name: "a.yaml", Data: data}}
		cat, problems := config.Parse(files, opt)
		for _, p := range problems {
			if p.Place.File != "a.yaml" || p.Message == "" || p.Rule == "" {
				t.Errorf("problem without its place or words: %+v", p)
			}
		}
		for _, format := range config.Formats() {
			if _, err := config.Render(problems, format); err != nil {
				t.Errorf("%s: %v", format, err)
			}
		}
		for i := range cat.Objectives {
			o := &cat.Objectives[i]
			if o.Target.Sign() <= 0 || o.Window == nil || o.Coverage.Sign() < 0 {
				t.Errorf("an objective that cannot be: %+v", o)
			}
		}
		if problems.Err(false) != nil {
			return
		}
		out, more, err := config.Expand(files, nil, opt)
		if err != nil || more.Err(false) != nil {
			t.Fatalf("right, but does not expand: %v %v", err, more)
		}
		again, more := config.Parse([]config.File{{Name: "a.yaml", Data: out}}, opt)
		if more.Err(false) != nil || again.Digest != cat.Digest {
			t.Errorf("the expanded documents say something else:\n%s\n%v", out, more)
		}
	})
}
