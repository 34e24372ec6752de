package config

import (
	"fmt"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/slo"
)

func printLabels(labels map[string][]string) string {
	var out []string
	for _, k := range sortedKeys(labels) {
		out = append(out, k+"="+strings.Join(labels[k], "+"))
	}
	return strings.Join(out, ", ")
}

// shortDigest is enough of a digest to see that two differ.
func shortDigest(d string) string { return d[:min(12, len(d))] }

func minuteText(m slo.Minute) string {
	if m == 0 {
		return ""
	}
	return m.Time().Format(time.RFC3339)
}

func lengthText(m slo.Minute) string {
	if m == 0 {
		return ""
	}
	return slo.FormatLength(m)
}

func stretchText(e Exclusion) string {
	if e.Cron != "" {
		return fmt.Sprintf("%s for %s %s", e.Cron, e.Duration, e.Zone)
	}
	return e.From.Format(time.RFC3339) + " to " + e.To.Format(time.RFC3339)
}

func freezeText(f gate.FreezeRule) string {
	out := f.Name
	switch {
	case f.Cron != "":
		out += fmt.Sprintf(" at %s for %s", f.Cron, f.Duration)
	case !f.From.IsZero():
		out += " from " + f.From.Format(time.RFC3339) + " to " + f.To.Format(time.RFC3339)
	}
	if len(f.Holidays) > 0 {
		out += " on " + strings.Join(f.Holidays, ", ")
	}
	if f.Zone != "" {
		out += " " + f.Zone
	}
	if len(f.Exempt) > 0 {
		out += fmt.Sprintf(" except %v", f.Exempt)
	}
	return out
}
