package command_test

import (
	"encoding/json"
	"math"
	"testing"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/command"
	"gitlab.com/nines-sre/nines/internal/fault"
)

func TestParseState(t *testing.T) {
	for text, want := range map[string]act.State{
		`{"stable":"7"}`: {Split: act.Split{Stable: "7"}, Ready: true},
		`{"stable":"7","canary":"8","weight":0.05,"revision":"r","ready":false,"busy":"x"}` + "\n": {
			Split: act.Split{Stable: "7", Canary: "8", Weight: 0.05}, Revision: "r", Busy: "x",
		},
		`{"stable":"7","canary":"8","weight":"5 %"}`:  {Split: act.Split{Stable: "7", Canary: "8", Weight: 0.05}, Ready: true},
		`{"stable":"7","canary":"8","weight":null}`:   {Split: act.Split{Stable: "7"}, Ready: true},
		`{"stable":"7","canary":"7","weight":0}`:      {Split: act.Split{Stable: "7"}, Ready: true},
		`{"stable":"7","canary":"8","weight":"100%"}`: {Split: act.Split{Stable: "7", Canary: "8", Weight: 1}, Ready: true},
	} {
		if got, err := command.ParseState([]byte(text)); err != nil || got != want {
			t.Errorf("%s is %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "7", "null", "[]", "{}", `{"stable":""}`, `{"stable":7}`, `{"stable":"7"}{}`, `{"stable":"7"} x`, `{"stable":"7","wieght":0.1}`,
		`{"stable":"7","weight":0.1}`, `{"stable":"7","canary":"8","weight":5}`, `{"stable":"7","canary":"8","weight":-1}`, `{"stable":"7","canary":"8","weight":"0.05"}`,
		`{"stable":"7","canary":"8","weight":"NaN%"}`, `{"stable":"7","canary":"8","weight":"101%"}`, `{"stable":"7","canary":"7","weight":0.5}`, `{"stable":"7","canary":"8","weight":[1]}`,
	} {
		if got, err := command.ParseState([]byte(text)); fault.KindOf(err) != fault.Corrupt {
			t.Errorf("%s is %+v, %v", text, got, err)
		}
	}
}

// FuzzParseState: whatever a program prints, it is a state that can be, or an
// error; and a state survives being written.
func FuzzParseState(f *testing.F) {
	for _, text := range []string{`{"stable":"7","canary":"8","weight":0.05,"revision":"r","ready":false,"busy":"x"}`, `{"stable":"7","weight":"5%"}`, "{", "\xff"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := command.ParseState(data)
		if err != nil {
			if fault.KindOf(err) != fault.Corrupt {
				t.Fatalf("%v", err)
			}
			return
		}
		if s.Stable == "" || math.IsNaN(s.Weight) || s.Weight < 0 || s.Weight > 1 || s.Weight > 0 && (s.Canary == "" || s.Canary == s.Stable) {
			t.Fatalf("%q is %+v", data, s)
		}
		written, err := json.Marshal(map[string]any{"stable": s.Stable, "canary": s.Canary, "weight": s.Weight, "revision": s.Revision, "ready": s.Ready, "busy": s.Busy})
		if err != nil {
			t.Fatal(err)
		}
		if again, err := command.ParseState(written); err != nil || again != s {
			t.Fatalf("%s is %+v, %v; it was %+v", written, again, err, s)
		}
	})
}
