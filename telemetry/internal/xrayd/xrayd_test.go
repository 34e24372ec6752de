package xrayd_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/collector"
	"gitlab.com/nines-sre/nines/telemetry/internal/xrayd"
)

var credentials = xrayd.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", SessionToken: "a/session+token=="}

// noon is where the endpoint's clock stands.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// spanAt is a span in JSON.
func spanAt(start time.Time, name string) string {
	return fmt.Sprintf(`{"traceId":"6742f1c05a0d3c1e9b7f48e2a6c4d810","spanId":"70de5b6f19ff9a0b","name":%q,"kind":1,"startTimeUnixNano":"%d","endTimeUnixNano":"%d"}`,
		name, start.UnixNano(), start.Add(time.Millisecond).UnixNano())
}

func inJSON(resource string, spans ...string) []byte {
	return fmt.Appendf(nil, `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":%q}}]},"scopeSpans":[{"scope":{"name":"nines"},"spans":[%s]}]}]}`,
		resource, strings.Join(spans, ","))
}

// message and number are fields of protobuf.
func message(field int, v []byte) []byte {
	return append(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(field)<<3|2), uint64(len(v))), v...)
}

func number(field int, v uint64) []byte {
	return binary.LittleEndian.AppendUint64(binary.AppendUvarint(nil, uint64(field)<<3|1), v)
}

// inBinary is a request with n spans, each with a name.
func inBinary(n int, start time.Time, name string) []byte {
	span := bytes.Join([][]byte{
		message(1, bytes.Repeat([]byte{7}, 16)), message(2, bytes.Repeat([]byte{8}, 8)), message(5, []byte(name)),
		number(7, uint64(start.UnixNano())), number(8, uint64(start.Add(time.Millisecond).UnixNano())),
	}, nil)
	scope := append(message(1, message(1, []byte("nines"))), bytes.Repeat(message(2, span), n)...)
	return message(1, append(message(1, nil), message(2, scope)...))
}

func zipped(body []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(body)
	_ = z.Close()
	return b.Bytes()
}

type answer struct {
	status     int
	retryAfter string
}

func send(t *testing.T, url string, body []byte, header map[string]string, sign func(*http.Request)) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	sign(r)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return answer{resp.StatusCode, resp.Header.Get("Retry-After")}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	const jsonType, binaryType = "application/json", "application/x-protobuf"
	one := inJSON("checkout", spanAt(noon, "a"))
	for _, c := range []struct {
		name, kind, encoding string
		body                 []byte
		status, spans        int
	}{
		{"a span in JSON", jsonType, "", one, 200, 1},
		{"with a charset", jsonType + "; charset=utf-8", "", one, 200, 1},
		{"zipped", jsonType, "gzip", zipped(one), 200, 1},
		{"binary", binaryType, "", inBinary(3, noon, "a"), 200, 3},
		{"binary, zipped", binaryType, "gzip", zipped(inBinary(3, noon, "a")), 200, 3},
		{"10,000 spans", binaryType, "", inBinary(10_000, noon, "a"), 200, 10_000},
		{"10,001 spans", binaryType, "", inBinary(10_001, noon, "a"), 400, 10_001},
		{"10,001 spans in JSON", jsonType, "", inJSON("checkout", strings.Split(strings.Repeat(spanAt(noon, "a")+"\n", 10_001), "\n")[:10_001]...), 400, 10_001},
		{"no content type", "", "", one, 415, 0},
		{"gRPC", "application/grpc", "", one, 415, 0},
		{"deflate", jsonType, "deflate", one, 415, 0},
		{"said to be zipped", jsonType, "gzip", one, 400, 0},
		{"JSON said to be binary", binaryType, "", one, 400, 0},
		{"binary said to be JSON", jsonType, "", inBinary(1, noon, "a"), 400, 0},
		{"cut off", binaryType, "", inBinary(1, noon, "a")[:20], 400, 0},
		{"a span of 200 KB", jsonType, "", inJSON("checkout", spanAt(noon, strings.Repeat("n", 199<<10))), 200, 1},
		{"a span of more", jsonType, "", inJSON("checkout", spanAt(noon, strings.Repeat("n", 200<<10))), 400, 1},
		{"a binary span of more", binaryType, "", inBinary(1, noon, strings.Repeat("n", 200<<10)), 400, 1},
		{"a resource of 16 KB", jsonType, "", inJSON(strings.Repeat("r", 15<<10), spanAt(noon, "a")), 200, 1},
		{"a resource of more", jsonType, "", inJSON(strings.Repeat("r", 16<<10), spanAt(noon, "a")), 400, 1},
		{"5 MB and more", binaryType, "", inBinary(60, noon, strings.Repeat("n", 100<<10)), 413, 0},
		{"5 MB and more, zipped", binaryType, "gzip", zipped(inBinary(60, noon, strings.Repeat("n", 100<<10))), 413, 0},
		{"13 days ago", jsonType, "", inJSON("checkout", spanAt(noon.Add(-13*24*time.Hour), "a")), 200, 1},
		{"15 days ago", jsonType, "", inJSON("checkout", spanAt(noon.Add(-15*24*time.Hour), "a")), 400, 1},
		{"15 days ago, binary", binaryType, "", inBinary(1, noon.Add(-15*24*time.Hour), "a"), 400, 1},
		{"in an hour", jsonType, "", inJSON("checkout", spanAt(noon.Add(time.Hour), "a")), 200, 1},
		{"in three hours", jsonType, "", inJSON("checkout", spanAt(noon.Add(3*time.Hour), "a")), 400, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := xrayd.Start(t, xrayd.Options{Credentials: credentials, Region: "eu-west-1", Now: func() time.Time { return noon }})
			header := map[string]string{}
			if c.kind != "" {
				header["Content-Type"] = c.kind
			}
			if c.encoding != "" {
				header["Content-Encoding"] = c.encoding
			}
			got := send(t, s.Endpoint(), c.body, header, func(r *http.Request) {
				xrayd.Sign(r, c.body, xrayd.Signing{Credentials: credentials, Region: "eu-west-1", Service: "xray", Now: noon})
			})
			all := s.Requests()
			if len(all) != 1 || all[0].Status != c.status || got.status != c.status || all[0].Spans != c.spans {
				t.Errorf("answered %d, recorded %d with %d spans: %s", got.status, all[0].Status, all[0].Spans, all[0].Reason)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := xrayd.Start(t, xrayd.Options{
		Credentials: credentials, Region: "eu-west-1", Now: func() time.Time { return noon },
		Refuse: func(n int) (int, time.Duration) {
			if n == 0 {
				return http.StatusTooManyRequests, 2 * time.Second
			}
			return 0, 0
		},
	})
	body := inJSON("checkout", spanAt(noon, "a"))
	sign := func(region string) func(*http.Request) {
		return func(r *http.Request) {
			xrayd.Sign(r, body, xrayd.Signing{Credentials: credentials, Region: region, Service: "xray", Now: noon})
		}
	}
	header := map[string]string{"Content-Type": "application/json"}
	if got := send(t, s.Endpoint(), body, header, func(*http.Request) {}); got.status != http.StatusForbidden {
		t.Errorf("unsigned: %d", got.status)
	}
	if got := send(t, s.Endpoint(), body, header, sign("us-east-1")); got.status != http.StatusForbidden {
		t.Errorf("signed for elsewhere: %d", got.status)
	}
	if got := send(t, s.URL+"/v1/logs", body, header, sign("eu-west-1")); got.status != http.StatusNotFound {
		t.Errorf("another path: %d", got.status)
	}
	if got := send(t, s.Endpoint(), body, header, sign("eu-west-1")); got.status != http.StatusTooManyRequests || got.retryAfter != "2" {
		t.Errorf("throttled: %d, %q", got.status, got.retryAfter)
	}
	if got := send(t, s.Endpoint(), body, header, sign("eu-west-1")); got.status != http.StatusOK {
		t.Errorf("afterwards: %d", got.status)
	}
}

// TestThroughACollector: what is accepted is decoded by a Collector, whose word on
// it is the answer.
func TestThroughACollector(t *testing.T) {
	t.Parallel()
	c := collector.Start(t)
	s := xrayd.Start(t, xrayd.Options{Credentials: credentials, Region: "eu-west-1", Next: c.Endpoint})
	now := time.Now()
	signing := xrayd.Signing{Credentials: credentials, Region: "eu-west-1", Service: "xray", Now: now}
	for kind, body := range map[string][]byte{"application/json": zipped(inJSON("checkout", spanAt(now, "a"))), "application/x-protobuf": zipped(inBinary(2, now, "b"))} {
		got := send(t, s.Endpoint(), body, map[string]string{"Content-Type": kind, "Content-Encoding": "gzip"}, func(r *http.Request) { xrayd.Sign(r, body, signing) })
		if got.status != http.StatusOK {
			t.Fatalf("%s: %+v", kind, s.Requests())
		}
	}
	if got := c.Spans(t, 3); len(got) != 3 {
		t.Errorf("%+v", got)
	}
	bad := bytes.ReplaceAll(inJSON("checkout", spanAt(now, "a")), []byte("6742f1c05a0d3c1e9b7f48e2a6c4d810"), []byte("Z0LxwFoNPB6bf0jipsTYEA=="))
	if got := send(t, s.Endpoint(), bad, map[string]string{"Content-Type": "application/json"}, func(r *http.Request) { xrayd.Sign(r, bad, signing) }); got.status != http.StatusBadRequest {
		t.Errorf("a trace id in base64 is answered %d", got.status)
	}
}

// botocore signs a request on standard input, and prints its headers.
const botocore = `
import json, sys
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
q = json.load(sys.stdin)
r = AWSRequest(method="POST", url=q["url"], data=q["body"].encode(), headers=q["header"])
SigV4Auth(Credentials(q["key"], q["secret"], q["token"]), "xray", q["region"]).add_auth(r)
print(json.dumps(dict(r.headers.items())))
`

// TestBotocore holds the check to AWS's own signer for Python.
func TestBotocore(t *testing.T) {
	t.Parallel()
	python := os.Getenv("NINES_PYTHON")
	if python == "" {
		t.Skip("NINES_PYTHON is not set: tools/foreign.sh installs botocore, make test says where it is")
	}
	s := xrayd.Start(t, xrayd.Options{Credentials: credentials, Region: "eu-west-1"})
	body := inJSON("käse", spanAt(time.Now(), "a"))
	ask, err := json.Marshal(map[string]any{
		"url": s.Endpoint(), "body": string(body), "header": map[string]string{"Content-Type": "application/json", "X-Amzn-Trace-Id": "Root=1-2-3;  Sampled=1"},
		"key": credentials.AccessKeyID, "secret": credentials.SecretAccessKey, "token": credentials.SessionToken, "region": "eu-west-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", botocore)
	cmd.Stdin = bytes.NewReader(ask)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var header map[string]string
	if err := json.Unmarshal(out, &header); err != nil {
		t.Fatal(err)
	}
	if got := send(t, s.Endpoint(), body, header, func(*http.Request) {}); got.status != http.StatusOK {
		t.Errorf("%+v", s.Requests())
	}
	header["Authorization"] = header["Authorization"][:len(header["Authorization"])-1] + "x"
	if got := send(t, s.Endpoint(), body, header, func(*http.Request) {}); got.status != http.StatusForbidden {
		t.Errorf("a signature with another digit: %d", got.status)
	}
}
