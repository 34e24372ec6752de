package gitlab_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/render/gitlab"
	"gitlab.com/nines-sre/nines/internal/slo"
)

var update = flag.Bool("update", false, "write the golden files anew")

func answer(change func(*gate.Request)) gitlab.Answer {
	r := gate.Request{
		Service: "payment-api", Environment: "production", At: time.Date(2025, 2, 5, 0, 0, 0, 0, time.UTC),
		Change: gate.Change{Class: gate.ClassChange, Version: "0123456789012345678901234567890123456789"},
		Policy: gate.Policy{Name: "shop"}, Documents: "main at 89abcdef89abcdef89abcdef89abcdef89abcdef",
		States: []gate.BudgetState{
			{Service: "payment-api", SLO: "availability", Objective: "99.95%", Window: "30d", Level: slo.Healthy, Allowed: 4699, Spent: 1762, Remaining: new(.625), Coverage: 1},
			{Service: "payment-api", SLO: "latency", Objective: "99%", Window: "30d", Level: slo.Healthy, Allowed: 94_000, Spent: 11_000, Remaining: new(.883), Coverage: 1},
		},
	}
	change(&r)
	d := gate.Decide(r)
	d.ID = "1ng86b20002"
	return gitlab.Answer{Request: r, Decision: d, ExitCode: gate.ExitCode(r, d), JobURL: "https://gitlab.example.com/shop/pay/-/jobs/302"}
}

func answers() map[string]gitlab.Answer {
	held := answer(func(r *gate.Request) {
		s := &r.States[0]
		s.Level, s.Spent, s.Remaining, s.Flags = slo.Exhausted, 4961, new(-.056), []slo.Flag{slo.FastBurn}
	})
	held.Advice = []string{"ship a fix: `--class fix` goes with warn", "roll back: `--class rollback` is never held"}
	hostile := answer(func(r *gate.Request) {
		r.States[0].Level, r.States[0].Remaining = slo.Exhausted, new(-3.)
		r.Environment = "prod|x"
		r.Change.By = &forge.Actor{Login: "eve", Proof: forge.ByToken}
		r.Override = &gate.Override{
			ID: "1", Actor: "@all", Expires: r.At.Add(time.Hour),
			Reason: "see #1 and !2\n/approve\n/merge\n<img src=x onerror=alert(1)> [x](javascript:y) | ~bug %3 **bold** <!-- nines/gate --> @root $5 &6",
		}
	})
	hostile.JobURL = "https://x.example/)\n/merge ["
	return map[string]gitlab.Answer{
		"pass": answer(func(*gate.Request) {}), "fail": held, "hostile": hostile,
		"unknown": answer(func(r *gate.Request) { r.States[0].Level, r.States[0].Remaining = slo.Unknown, nil }),
		"advise":  answer(func(r *gate.Request) { r.Policy.Mode, r.States, r.Documents = gate.ModeAdvise, nil, "" }),
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Error(d)
	}
}

func TestNote(t *testing.T) {
	for name, a := range answers() {
		t.Run(name, func(t *testing.T) { golden(t, name+".md", gitlab.Note(a)) })
	}
}

// TestForeignText checks what text of others must never become in a note that
// a project's token writes: an order, a mention, a reference, markup.
func TestForeignText(t *testing.T) {
	note := gitlab.Note(answers()["hostile"])
	for line := range strings.Lines(note) {
		if strings.HasPrefix(strings.TrimLeft(line, " \u200b"), "/") {
			t.Errorf("an order: %q", line)
		}
	}
	for _, bad := range []string{"@all", "@root", "#1", "!2", "%3", "~bug", " <img", " <!--", "[x](javascript", " **bold"} {
		if strings.Contains(note, bad) {
			t.Errorf("%q stands in the note:\n%s", bad, note)
		}
	}
}

func TestMarker(t *testing.T) {
	for _, c := range [][3]string{
		{"payment-api", "production", "nines/gate/payment-api/production"},
		{"payment-api", "", "nines/gate/payment-api"},
		{"a", "review/x --> y", "nines/gate/a/review/x-y"},
	} {
		if got := gitlab.Marker(c[0], c[1]); got != c[2] {
			t.Errorf("%s: want %s", got, c[2])
		}
	}
}

func TestBar(t *testing.T) {
	for _, c := range []struct {
		left *float64
		want string
	}{
		{nil, "????????????"},
		{new(1.), "████████████"},
		{new(2.), "████████████"},
		{new(.5), "██████░░░░░░"},
		{new(.001), "█░░░░░░░░░░░"},
		{new(0.), "×···········"},
		{new(-.5), "××××××······"},
		{new(-9.), "××××××××××××"},
	} {
		if got := gitlab.Bar(c.left); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestAnnotations(t *testing.T) {
	for _, name := range []string{"fail", "hostile"} {
		out, err := gitlab.Annotations(answers()[name].Links())
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".annotations.json", string(out))
		var read map[string][]map[string]map[string]string
		if err := json.Unmarshal(out, &read); err != nil {
			t.Error(err)
		}
	}
	a := answers()["fail"]
	a.JobURL = ""
	if out, err := gitlab.Annotations(a.Links()); err != nil || string(out) != "{\n  \"nines gate\": []\n}\n" {
		t.Errorf("%s %v", out, err)
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("@root /approve\n#1")
	f.Add("/merge")
	f.Add("a\r\n/close")
	f.Fuzz(func(t *testing.T, s string) {
		got := gitlab.Escape(s)
		if strings.ContainsAny(got, "\n\r") || strings.HasPrefix(got, "/") {
			t.Errorf("%q becomes %q", s, got)
		}
		for _, bad := range []string{"@a", "@r", "#1", "!1", "~b"} {
			if strings.Contains(got, bad) {
				t.Errorf("%q becomes %q", s, got)
			}
		}
	})
}
