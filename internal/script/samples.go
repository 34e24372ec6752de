package script

import (
	"fmt"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// maxSamples bounds what a script may load: ten years of minutes.
const maxSamples = 10 * 366 * int(slo.Day)

// sample is a loaded value; a missing one was not measured.
type sample struct {
	value   slo.Amount
	missing bool
}

// samples reads the notation of promtool's tests: "5" is a sample, "5x3" is 5
// and three more of it, "0+10x3" is 0 10 20 30, "_" is a missing one and "_x3"
// three of them.
func samples(words []string) ([]sample, error) {
	var out []sample
	for _, w := range words {
		more, err := expand(w, maxSamples-len(out))
		if err != nil {
			return nil, fmt.Errorf("%q: %w", clip(w), err)
		}
		out = append(out, more...)
	}
	return out, nil
}

func expand(word string, room int) ([]sample, error) {
	first, times, repeated := strings.Cut(word, "x")
	n := 0
	if repeated {
		v, err := strconv.ParseUint(times, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("how often is no whole number: %q", clip(times))
		}
		n = int(v)
	}
	if first == "_" {
		if !repeated {
			n = 1
		}
		if n > room {
			return nil, fmt.Errorf("a script loads %d samples of a series at most", maxSamples)
		}
		out := make([]sample, n)
		for i := range out {
			out[i].missing = true
		}
		return out, nil
	}
	if n+1 > room {
		return nil, fmt.Errorf("a script loads %d samples of a series at most", maxSamples)
	}
	start, step, err := slope(first)
	if err != nil {
		return nil, err
	}
	out := make([]sample, n+1)
	for i := range out {
		v := float64(start) + float64(step)*float64(i)
		if v < 0 || v > 9e18 {
			return nil, fmt.Errorf("the %dth is no count of events", i+1)
		}
		out[i].value = start + step*slo.Amount(i)
	}
	return out, nil
}

// slope takes a+b and a-b apart; the sign of a number's exponent is none.
func slope(text string) (start, step slo.Amount, err error) {
	at := -1
	for i := 1; i < len(text); i++ {
		if (text[i] == '+' || text[i] == '-') && text[i-1] != 'e' && text[i-1] != 'E' {
			at = i
			break
		}
	}
	if at < 0 {
		start, err = slo.ParseEvents(text)
		return start, 0, err //nolint:wrapcheck // the caller says which word
	}
	if start, err = slo.ParseEvents(text[:at]); err != nil {
		return 0, 0, err //nolint:wrapcheck // as above
	}
	step, err = slo.ParseEvents(text[at+1:])
	if text[at] == '-' {
		step = -step
	}
	return start, step, err //nolint:wrapcheck // as above
}

func clip(text string) string {
	if r := []rune(text); len(r) > 40 {
		return string(r[:40]) + "..."
	}
	return text
}
