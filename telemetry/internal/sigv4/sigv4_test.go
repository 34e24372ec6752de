package sigv4_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/telemetry/internal/sigv4"
	"gitlab.com/nines-sre/nines/telemetry/internal/xrayd"
)

const (
	id     = "AKIDEXAMPLE"
	secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" // of AWS's test suite
)

func request(t testing.TB, method, target, body string, header http.Header) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://example.amazonaws.com"+target, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		r.Header = header
	}
	return r
}

// Requests of AWS's signing test suite with the signatures that it publishes. Left
// out are those that want the path's dots resolved, or characters in it that no URL
// has: AWS's SDKs for Go do neither.
func TestPublishedVectors(t *testing.T) {
	const token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
	const all = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for name, c := range map[string]struct {
		method, target, body, token string
		header                      http.Header
		signed, want                string
	}{
		"get-vanilla":                     {target: "/", want: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		"get-vanilla-with-session-token":  {target: "/", token: token, signed: "host;x-amz-date;x-amz-security-token", want: "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"},
		"get-vanilla-empty-query-key":     {target: "/?Param1=value1", want: "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
		"get-vanilla-query-order-key":     {target: "/?Param2=value2&Param1=value1", want: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		"get-vanilla-query-order-encoded": {target: "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1", want: "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
		"get-vanilla-utf8-query":          {target: "/?ሴ=bar", want: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
		"get-vanilla-query-unreserved":    {target: "/?" + all + "=" + all, want: "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
		"get-unreserved":                  {target: "/" + all, want: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
		"get-slash-unnormalized":          {target: "//", want: "c88bcd3d312d75078c0cd961d6deae3f4c754924b01669efcfcb439fd5e5b76e"},
		"post-vanilla":                    {method: http.MethodPost, target: "/", want: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		"get-header-key-duplicate": {
			target: "/", header: http.Header{"My-Header1": {"value2", "value2", "value1"}},
			signed: "host;my-header1;x-amz-date", want: "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
		},
		"get-header-value-order": {
			target: "/", header: http.Header{"My-Header1": {"value4", "value1", "value3", "value2"}},
			signed: "host;my-header1;x-amz-date", want: "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
		},
		"get-header-value-trim": {
			target: "/", header: http.Header{"My-Header1": {" value1"}, "My-Header2": {` "a   b   c"`}},
			signed: "host;my-header1;my-header2;x-amz-date", want: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
		},
		"post-x-www-form-urlencoded": {
			method: http.MethodPost, target: "/", body: "Param1=value1",
			header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "X-Amz-Content-Sha256": {"9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"}},
			signed: "content-length;content-type;host;x-amz-content-sha256;x-amz-date", want: "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := sigv4.Signer{Region: "us-east-1", Service: "service"}
			r := request(t, c.method, c.target, c.body, c.header)
			s.Sign(r, []byte(c.body), sigv4.Keys{ID: id, Secret: secret, Token: c.token}, time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC))
			signed := c.signed
			if signed == "" {
				signed = "host;x-amz-date"
			}
			want := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" + signed + ", Signature=" + c.want
			if got := r.Header.Get("Authorization"); got != want {
				t.Errorf("\ngot  %s\nwant %s", got, want)
			}
		})
	}
}

// A checker that shares no code agrees, whatever the request is; and a signature is
// only for what was signed.
func TestAnotherAgrees(t *testing.T) {
	keys := sigv4.Keys{ID: id, Secret: secret, Token: "token"}
	s := sigv4.Signer{Region: "eu-west-1", Service: "xray"}
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(rapid.Int64Range(1.4e9, 2e9).Draw(t, "now"), 0)
		body := rapid.String().Draw(t, "body")
		path := rapid.StringMatching(`(/[a-zA-Z0-9 ._~()@:+&=%é-]{0,8}){1,3}`).Draw(t, "path")
		r, err := http.NewRequest(http.MethodPost, "https://xray.eu-west-1.amazonaws.com", strings.NewReader(body)) //nolint:noctx // it is not sent
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Path = path
		r.URL.RawQuery = rapid.StringMatching(`([a-z%]{0,2}=[a-zA-Z0-9 /%-]{0,6}&?){0,3}`).Filter(func(q string) bool { return !strings.Contains(q, "%") }).Draw(t, "query")
		r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, " ", "%20")
		r.Header.Set("X-Test", rapid.StringMatching(`[ -~]{0,20}`).Draw(t, "header"))
		s.Sign(r, []byte(body), keys, now)
		check := xrayd.Signing{Credentials: xrayd.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: "token"}, Region: "eu-west-1", Service: "xray", Now: now}
		if err := xrayd.Verify(r, []byte(body), check); err != nil {
			t.Fatalf("%v\n%s %s", err, r.URL, r.Header)
		}
		if err := xrayd.Verify(r, []byte(body+"x"), check); err == nil {
			t.Fatal("another body has the same signature")
		}
	})
}

func BenchmarkSign(b *testing.B) {
	s := sigv4.Signer{Region: "eu-west-1", Service: "xray"}
	body := make([]byte, 20<<10)
	r := request(b, http.MethodPost, "/v1/traces", string(body), nil)
	b.ReportAllocs()
	for b.Loop() {
		s.Sign(r, body, sigv4.Keys{ID: id, Secret: secret, Token: "t"}, time.Unix(1.7e9, 0))
	}
}
