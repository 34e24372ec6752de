package bench_test

import (
	"bytes"
	"os"
	"testing"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// The request that the library's own test compares with is whole: OpenTelemetry's
// generated code reads all of it, and writes the same bytes.
func TestTraceRequestIsWhole(t *testing.T) {
	file, err := os.ReadFile("../trace/testdata/request.otlp")
	if err != nil {
		t.Fatal(err)
	}
	var r collectorpb.ExportTraceServiceRequest
	if err := proto.Unmarshal(file, &r); err != nil {
		t.Fatal(err)
	}
	again, err := proto.MarshalOptions{Deterministic: true}.Marshal(&r)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, again) {
		t.Errorf("read and written again:\n%q\nit was\n%q", again, file)
	}
	if n := len(r.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()); n != 3 {
		t.Errorf("%d spans", n)
	}
}
