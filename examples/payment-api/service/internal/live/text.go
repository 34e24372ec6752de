package live

import (
	"fmt"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/fault"
)

// meaning says what faults do.
func meaning(text string) string {
	plan, err := fault.Parse(text)
	if err != nil || len(plan) == 0 {
		return "no fault"
	}
	var out []string
	for _, f := range plan {
		share := strconv.FormatFloat(100*f.Rate, 'g', 4, 64) + " %"
		switch f.Kind {
		case fault.Errors:
			out = append(out, share+" of the payments fail with a 500")
		case fault.LatencyBody, fault.LatencyTail:
			out = append(out, fmt.Sprintf("%s of the payments take %v longer", share, f.Delay))
		case fault.SlowDependency:
			out = append(out, fmt.Sprintf("the card network takes %v longer for %s of them", f.Delay, share))
		}
	}
	return strings.Join(out, "; ")
}

// thousands writes 12345 as 12,345.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
