package protocol_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/protocol"
)

func sample() protocol.Struct {
	return protocol.Struct{
		{Name: "Text", Value: "a\"<é\n" + strings.Repeat("x", 300)},
		{Name: "Yes", Value: true},
		{Name: "No", Value: false},
		{Name: "Int", Value: int64(-70000)},
		{Name: "Big", Value: int64(1) << 40},
		{Name: "Float", Value: 1e-7},
		{Name: "At", Value: protocol.Stamp(1772452800)},
		{Name: "Times", Value: []protocol.Stamp{0, 60}},
		{Name: "Values", Value: []float64{1.5, -2, 0x1p360}},
		{Name: "Empty", Value: []float64{}},
		{Name: "Names", Value: []string{"a", "b"}},
		{Name: "Inner", Value: protocol.Struct{{Name: "X", Value: "y"}}},
		{Name: "List", Value: []protocol.Struct{{{Name: "X", Value: "1"}}, {}}},
		{Name: "Map", Value: protocol.Map{{Name: "p99", Value: 3.0}}},
	}
}

// Our CBOR, read by a decoder we did not write.
func TestCBORAnswers(t *testing.T) {
	mode, err := cbor.DecOptions{TimeTag: cbor.DecTagRequired, IntDec: cbor.IntDecConvertSigned}.DecMode()
	if err != nil {
		t.Fatal(err)
	}
	b := protocol.Encode(protocol.CBOR, "Op", "id", sample())
	if err := cbor.Wellformed(b); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := mode.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	at, _ := json.Marshal(got["At"])
	if string(at) != `"2026-03-02T12:00:00Z"` || got["Int"] != int64(-70000) || got["Big"] != int64(1)<<40 || got["Yes"] != true || got["No"] != false ||
		got["Float"] != 1e-7 || len(fmt.Sprint(got["Text"])) != 306 || cmp.Diff([]any{1.5, -2.0, 0x1p360}, got["Values"]) != "" || len(got) != len(sample()) {
		t.Errorf("%s %+v", at, got)
	}
}

func TestJSONAndXMLAnswers(t *testing.T) {
	var got map[string]any
	b := protocol.Encode(protocol.JSON, "Op", "id", sample())
	if err := json.Unmarshal(b, &got); err != nil || got["At"] != 1772452800.0 || got["Int"] != -70000.0 || cmp.Diff(map[string]any{"p99": 3.0}, got["Map"]) != "" {
		t.Errorf("%v %s", err, b)
	}
	d := xml.NewDecoder(bytes.NewReader(protocol.Encode(protocol.Query, "Op", "id", sample())))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if got := string(protocol.Encode(protocol.Query, "Op", "id", protocol.Struct{{Name: "M", Value: protocol.Map{{Name: "p9", Value: 3.0}}}})); !strings.Contains(got, "<M><entry><key>p9</key><value>3</value></entry></M>") {
		t.Errorf("%s", got)
	}
}

func post(ctx context.Context, path, body string, headers ...string) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

const cborPath = "/service/GraniteServiceVersion20100801/operation/PutMetricData"

func isCBOR(r *http.Request) *http.Request {
	r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
	return r
}

func isJSON(r *http.Request) *http.Request {
	r.Header.Set("X-Amz-Target", "GraniteServiceVersion20100801.PutMetricData")
	return r
}

// The same request in three protocols reads the same.
func TestArgs(t *testing.T) {
	encoded, err := cbor.Marshal(map[string]any{
		"Namespace": "shop", "Flag": true, "N": 5, "At": cbor.Tag{Number: 1, Content: 1772452800.5},
		"MetricData": []any{map[string]any{"MetricName": "a", "Values": []any{1, 2.5, float32(3)}}, map[string]any{"MetricName": "b"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{
		"Action": {"PutMetricData"}, "Namespace": {"shop"}, "Flag": {"true"}, "N": {"5"}, "At": {"2026-03-02T12:00:00.5Z"}, "Gone": {""},
		"MetricData.member.1.MetricName": {"a"}, "MetricData.member.1.Values.member.1": {"1"}, "MetricData.member.1.Values.member.2": {"2.5"},
		"MetricData.member.1.Values.member.3": {"3"}, "MetricData.member.2.MetricName": {"b"},
	}.Encode()
	for name, r := range map[string]*http.Request{
		"cbor":  isCBOR(post(t.Context(), cborPath, string(encoded))),
		"json":  isJSON(post(t.Context(), "/", `{"Namespace":"shop","Flag":true,"N":5,"At":1772452800.5,"Gone":null,"MetricData":[{"MetricName":"a","Values":[1,2.5,3]},{"MetricName":"b"}]}`)),
		"query": post(t.Context(), "/", form, "Content-Type", "application/x-www-form-urlencoded"),
	} {
		req, fail := protocol.Read(r)
		if fail != nil {
			t.Errorf("%s: %v", name, fail)
			continue
		}
		a := req.Args
		data := a.Subs("MetricData")
		if req.Operation != "PutMetricData" || len(data) != 2 || *a.Text("Namespace") != "shop" || !*a.Flag("Flag") || *a.Whole("N") != 5 ||
			a.Time("At").UnixMilli() != 1772452800500 || *data[1].Text("MetricName") != "b" || cmp.Diff([]float64{1, 2.5, 3}, data[0].Numbers("Values")) != "" ||
			a.Text("Absent") != nil || len(a.Subs("Gone")) != 0 || data[1].Path("Value") != "MetricData.member.2.Value" || a.Err() != nil {
			t.Errorf("%s: %v", name, a.Err())
		}
	}
}

func TestArgsOfAnotherType(t *testing.T) {
	for name, ask := range map[string]func(protocol.Args){
		"S": func(a protocol.Args) { a.Text("S") }, "N": func(a protocol.Args) { a.Number("N") }, "W": func(a protocol.Args) { a.Whole("W") },
		"B": func(a protocol.Args) { a.Flag("B") }, "T": func(a protocol.Args) { a.Time("T") }, "Far": func(a protocol.Args) { a.Time("Far") }, "L": func(a protocol.Args) { a.Subs("L") },
		"M": func(a protocol.Args) { a.Sub("M") }, "Ns": func(a protocol.Args) { a.Numbers("Ns") }, "Ts": func(a protocol.Args) { a.Texts("Ts") },
	} {
		fresh, fail := protocol.Read(isJSON(post(t.Context(), "/", `{"S":5,"N":"x","W":1.5,"B":"true","T":true,"L":{},"M":[],"Ns":[1,"a"],"Ts":[1],"Far":1e15}`)))
		if fail != nil {
			t.Fatal(fail)
		}
		ask(fresh.Args)
		if err := fresh.Args.Err(); err == nil || !strings.Contains(err.Message, name) || err.Status != 400 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// No body, in any protocol, makes reading panic or hang.
func FuzzRead(f *testing.F) {
	f.Add(byte(0), []byte("\xa1aN\x82\x01\xc1\xfb\x41\xda\x00\x00\x00\x00\x00\x00"))
	f.Add(byte(0), []byte("\xbf\x61\x61\x9f\xff\xff"))
	f.Add(byte(1), []byte(`{"MetricData":[{"Values":[1,"NaN"]}]}`))
	f.Add(byte(2), []byte("Action=X&A.member.1.B=2&A.member.9=3&A.member=&.=.&A..B=1"))
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		var r *http.Request
		switch kind % 3 {
		case 0:
			r = isCBOR(post(t.Context(), cborPath, string(body)))
		case 1:
			r = isJSON(post(t.Context(), "/", string(body)))
		default:
			r = post(t.Context(), "/", string(body))
		}
		req, fail := protocol.Read(r)
		if fail != nil {
			if fail.Status < 400 || fail.Code == "" {
				t.Fatalf("%+v", fail)
			}
			return
		}
		for _, sub := range req.Args.Subs("MetricData") {
			sub.Numbers("Values")
			sub.Time("Timestamp")
		}
		req.Args.Time("A")
	})
}

// Whatever an answer holds, our CBOR is well formed and reads back as written.
func FuzzCBORText(f *testing.F) {
	f.Add("a", 1.5, int64(-1))
	f.Fuzz(func(t *testing.T, text string, v float64, n int64) {
		text = strings.ToValidUTF8(text, "?")
		b := protocol.Encode(protocol.CBOR, "Op", "id", protocol.Struct{{Name: "t", Value: text}, {Name: "v", Value: []float64{v}}, {Name: "n", Value: n}})
		var got struct {
			T string    `cbor:"t"`
			V []float64 `cbor:"v"`
			N int64     `cbor:"n"`
		}
		if err := cbor.Unmarshal(b, &got); err != nil || got.T != text || got.N != n || got.V[0] != v && v == v {
			t.Fatalf("%v %+v", err, got)
		}
	})
}
