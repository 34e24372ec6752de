package xrayd_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/xrayd"
)

// TestVerifyPublished holds the check to signatures that AWS has published: those
// of its Signature Version 4 test suite, whose credentials and time are the same
// throughout, and that of its walk through a request to IAM.
func TestVerifyPublished(t *testing.T) {
	t.Parallel()
	const suite = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
	for _, c := range []struct {
		name, service, method, target, body, authorization string
		header                                             map[string]string
	}{
		{"get-vanilla", "service", "GET", "/", "", suite + "SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", nil},
		{"post-vanilla", "service", "POST", "/", "", suite + "SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b", nil},
		{"post-x-www-form-urlencoded", "service", "POST", "/", "Param1=value1", suite + "SignedHeaders=content-type;host;x-amz-date, Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}},
		{"get-vanilla-query-order-key-case", "service", "GET", "/?Param2=value2&Param1=value1", "", suite + "SignedHeaders=host;x-amz-date, Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500", nil},
		{"IAM ListUsers", "iam", "GET", "/?Action=ListUsers&Version=2010-05-08", "", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7", map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), c.method, c.target, strings.NewReader(c.body))
			r.Host = map[string]string{"service": "example.amazonaws.com", "iam": "iam.amazonaws.com"}[c.service]
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			r.Header.Set("X-Amz-Date", "20150830T123600Z")
			r.Header.Set("Authorization", c.authorization)
			s := xrayd.Signing{
				Credentials: xrayd.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"},
				Region:      "us-east-1", Service: c.service, Now: time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC),
			}
			if err := xrayd.Verify(r, []byte(c.body), s); err != nil {
				t.Errorf("what AWS publishes is refused: %v", err)
			}
			if err := xrayd.Verify(r, []byte(c.body+"!"), s); err == nil {
				t.Error("another body is taken")
			}
			for name, change := range map[string]func(*http.Request, *xrayd.Signing){
				"another method":  func(r *http.Request, _ *xrayd.Signing) { r.Method = "PUT" },
				"another path":    func(r *http.Request, _ *xrayd.Signing) { r.URL.Path = "/x" },
				"another query":   func(r *http.Request, _ *xrayd.Signing) { r.URL.RawQuery += "&a=b" },
				"another host":    func(r *http.Request, _ *xrayd.Signing) { r.Host = "example.org" },
				"another secret":  func(_ *http.Request, s *xrayd.Signing) { s.SecretAccessKey = "other" },
				"another key":     func(_ *http.Request, s *xrayd.Signing) { s.AccessKeyID = "other" },
				"another region":  func(_ *http.Request, s *xrayd.Signing) { s.Region = "eu-west-1" },
				"another service": func(_ *http.Request, s *xrayd.Signing) { s.Service = "xray" },
				"much later":      func(_ *http.Request, s *xrayd.Signing) { s.Now = s.Now.Add(6 * time.Minute) },
				"a session":       func(_ *http.Request, s *xrayd.Signing) { s.SessionToken = "token" },
				"another date":    func(r *http.Request, _ *xrayd.Signing) { r.Header.Set("X-Amz-Date", "20150830T123601Z") },
				"no date":         func(r *http.Request, _ *xrayd.Signing) { r.Header.Del("X-Amz-Date") },
				"no signature":    func(r *http.Request, _ *xrayd.Signing) { r.Header.Del("Authorization") },
				"an unsigned token": func(r *http.Request, s *xrayd.Signing) {
					r.Header.Set("X-Amz-Security-Token", "token")
					s.SessionToken = "token"
				},
			} {
				other, signing := r.Clone(t.Context()), s
				change(other, &signing)
				if xrayd.Verify(other, []byte(c.body), signing) == nil {
					t.Errorf("%s is taken", name)
				}
			}
		})
	}
}
