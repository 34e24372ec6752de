package live

import (
	"slices"
	"strings"
	"testing"
)

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 12345: "12,345", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestMeaning(t *testing.T) {
	for text, want := range map[string]string{
		"none":                     "no fault",
		"chaos":                    "no fault",
		"errors":                   "30 % of the payments fail with a 500",
		"latency-tail:0.05:2s":     "5 % of the payments take 2s longer",
		"slow-dependency,errors:1": "the card network takes 450ms longer for 90 % of them; 100 % of the payments fail with a 500",
	} {
		if got := meaning(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// What is started hears nothing of other accounts, other stores, a pipeline or a
// proxy, and everything else.
func TestPlain(t *testing.T) {
	got := plain([]string{
		"PATH=/bin", "HOME=/root", "AWS_PROFILE=prod", "AWS_ENDPOINT_URL=http://10.0.0.1", "NINES_STORE=dynamodb:t", "CI_COMMIT_SHA=1", "CI=true",
		"GITLAB_USER_LOGIN=a", "FAULT=errors", "VERSION=9", "https_proxy=http://10.0.0.1", "HTTP_PROXY=x", "OTEL_SERVICE_NAME=x", "POWERTOOLS_DEV=1", "TERM=xterm",
	})
	for _, want := range []string{"PATH=/bin", "HOME=/root", "TERM=xterm", "AWS_EC2_METADATA_DISABLED=true", "NINES_ACTOR=you"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s in %v", want, got)
		}
	}
	for _, not := range []string{"PROFILE", "ENDPOINT", "STORE", "CI", "GITLAB", "FAULT", "VERSION", "PROXY", "OTEL", "POWERTOOLS"} {
		if slices.ContainsFunc(got, func(kv string) bool { return strings.Contains(strings.ToUpper(strings.SplitN(kv, "=", 2)[0]), not) }) {
			t.Errorf("%s is passed on: %v", not, got)
		}
	}
}
