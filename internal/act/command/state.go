package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// ParseState reads what the program that reads has printed. The error is of kind
// Corrupt, and says what is wrong.
func ParseState(data []byte) (act.State, error) {
	var in struct {
		Stable   *string         `json:"stable"`
		Canary   string          `json:"canary"`
		Weight   json.RawMessage `json:"weight"`
		Revision string          `json:"revision"`
		Busy     string          `json:"busy"`
		Ready    *bool           `json:"ready"`
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return act.State{}, wrong("it prints no JSON object as it should: " + err.Error())
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return act.State{}, wrong("it prints more than one JSON object")
	}
	if in.Stable == nil || *in.Stable == "" {
		return act.State{}, wrong("it does not say which version is stable")
	}
	w, err := share(in.Weight)
	if err != nil {
		return act.State{}, err
	}
	switch {
	case w > 0 && in.Canary == "":
		return act.State{}, wrong("it gives a share to no version")
	case w > 0 && in.Canary == *in.Stable:
		return act.State{}, wrong("it names version " + in.Canary + " twice")
	}
	s := act.State{Split: act.Split{Stable: *in.Stable, Canary: in.Canary, Weight: w}, Revision: in.Revision, Busy: in.Busy, Ready: in.Ready == nil || *in.Ready}
	if s.Whole() {
		s.Split = act.Split{Stable: s.Stable}
	}
	return s, nil
}

func wrong(text string) error {
	return fault.New(fault.Corrupt, "the program that reads", text, `it prints one object: {"stable": "7", "canary": "8", "weight": 0.05, "ready": true}`)
}

// share reads 0.05 or "5%".
func share(raw json.RawMessage) (float64, error) {
	text, per := strings.TrimSpace(string(raw)), 1.0
	if text == "" || text == "null" {
		return 0, nil
	}
	if text[0] == '"' {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return 0, wrong(err.Error())
		}
		number, is := strings.CutSuffix(strings.TrimSpace(s), "%")
		if !is {
			return 0, wrong(fmt.Sprintf("its weight is the text %q", s))
		}
		text, per = strings.TrimSpace(number), 100
	}
	w, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(w) || w < 0 || w > per {
		return 0, wrong("its weight is " + text + ": that is no share from 0 to 1, nor text from 0% to 100%")
	}
	return w / per, nil
}

// weight and canary are those of a split, as far as it has one.
func weight(s act.Split) float64 {
	if s.Whole() {
		return 0
	}
	return s.Weight
}

func canary(s act.Split) string {
	if s.Whole() {
		return ""
	}
	return s.Canary
}

// number is a weight without the tail that binary fractions leave.
func number(v float64) string {
	s := strconv.FormatFloat(v, 'f', 6, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// environment is what the program that shifts is told.
func environment(a act.Action) []string {
	return []string{
		"NINES_VERB=" + string(a.Verb), "NINES_KEY=" + a.Key, "NINES_REASON=" + a.Reason,
		"NINES_STABLE=" + a.To.Stable, "NINES_CANARY=" + canary(a.To),
		"NINES_WEIGHT=" + number(100*weight(a.To)), "NINES_SHARE=" + number(weight(a.To)),
		"NINES_FROM_STABLE=" + a.From.Stable, "NINES_FROM_CANARY=" + canary(a.From.Split),
		"NINES_FROM_SHARE=" + number(weight(a.From.Split)), "NINES_FROM_REVISION=" + a.From.Revision,
	}
}
