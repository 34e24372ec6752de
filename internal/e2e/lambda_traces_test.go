package e2e_test

import (
	"bytes"
	"encoding/json"
	"net"
	"path/filepath"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

// TestLambdaTraces: where X-Ray's daemon runs beside the function, a sampled
// invocation is a segment there, and each call of AWS a part of it.
func TestLambdaTraces(t *testing.T) {
	const root = "1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810"
	daemon, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = daemon.Close() })
	a, dir := newLambdaAccount(t), t.TempDir()
	f := deploy(t, 1, append(a.environ(), "AWS_XRAY_DAEMON_ADDRESS="+daemon.LocalAddr().String(),
		"NINES_CONFIG="+a.documents(t, filepath.Join(dir, "slo")), "NINES_STORE=sqlite:"+filepath.Join(dir, "nines.db"))...)
	f.invoke(t, 0, lambdatest.Invocation{Payload: []byte(`{}`), TraceID: "Root=" + root + ";Parent=53995c3f42cd8ad8;Sampled=1"})

	type segment struct {
		ID       string `json:"id"`
		ParentID string `json:"parent_id"`
		TraceID  string `json:"trace_id"`
		Name     string
		AWS      struct{ Operation string }
	}
	seen := map[string]segment{}
	deadline := time.Now().Add(10 * time.Second)
	for seen["## handler"].ID == "" || seen["CloudWatch"].ID == "" {
		if err := daemon.SetReadDeadline(deadline); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 64<<10)
		n, err := daemon.Read(b)
		if err != nil {
			t.Fatalf("%v; seen are %+v\n%s", err, seen, f.log.String())
		}
		var s segment
		head, body, _ := bytes.Cut(b[:n], []byte("\n"))
		if err := json.Unmarshal(body, &s); err != nil || string(head) != `{"format":"json","version":1}` {
			t.Fatalf("%v in %s", err, b[:n])
		}
		seen[s.Name] = s
	}
	handler, call := seen["## handler"], seen["CloudWatch"]
	if handler.TraceID != root || call.TraceID != root || handler.ParentID != "53995c3f42cd8ad8" || call.ParentID != handler.ID || call.AWS.Operation != "GetMetricData" {
		t.Errorf("%+v", seen)
	}
}
