package trace_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/telemetry/trace"
)

const (
	root   = "1-5759e988-bd862e3fe1be46a994272793"
	w3c    = "5759e988bd862e3fe1be46a994272793"
	parent = "53995c3f42cd8ad8"
)

func ids(t testing.TB) (trace.TraceID, trace.SpanID) {
	t.Helper()
	id, err := trace.ParseTraceID(root)
	if err != nil {
		t.Fatal(err)
	}
	span, err := trace.ParseSpanID(parent)
	if err != nil {
		t.Fatal(err)
	}
	return id, span
}

// The forms that AWS's services send, those that other libraries are known to
// reject or to misread among them.
func TestHeaderForms(t *testing.T) {
	id, span := ids(t)
	self := "1-67891234-12456789abcdef012345678a"
	for name, c := range map[string]struct {
		in   string
		want trace.Header
	}{
		"Lambda":                              {"Root=" + root + ";Parent=" + parent + ";Sampled=1", trace.Header{Trace: id, Parent: span, Sampled: trace.Kept}},
		"not sampled":                         {"Root=" + root + ";Parent=" + parent + ";Sampled=0", trace.Header{Trace: id, Parent: span, Sampled: trace.Dropped}},
		"asks":                                {"Root=" + root + ";Sampled=?", trace.Header{Trace: id, Sampled: trace.Ask}},
		"ALB, Root only":                      {"Root=" + root, trace.Header{Trace: id}},
		"ALB, Self before Root":               {"Self=" + self + ";Root=" + root, trace.Header{Trace: id, Self: self}},
		"ALB, Self behind Root":               {"Root=" + root + ";Self=" + self, trace.Header{Trace: id, Self: self}},
		"spaces after the semicolon":          {"Root=" + root + "; Parent=" + parent + "; Sampled=1", trace.Header{Trace: id, Parent: span, Sampled: trace.Kept}},
		"spaces everywhere":                   {"  Root = " + root + " ;\tParent= " + parent + " ; Sampled =1 ", trace.Header{Trace: id, Parent: span, Sampled: trace.Kept}},
		"a field without a value":             {"Root=" + root + ";Parent=" + parent + ";Sampled=1;Flag", trace.Header{Trace: id, Parent: span, Sampled: trace.Kept, Other: "Flag"}},
		"a field with an empty value":         {"Root=" + root + ";CalledFrom=;Sampled=1", trace.Header{Trace: id, Sampled: trace.Kept, Other: "CalledFrom="}},
		"fields that are not known":           {"A=1;Root=" + root + ";B=x=y;Sampled=0;C", trace.Header{Trace: id, Sampled: trace.Dropped, Other: "A=1;B=x=y;C"}},
		"RootX is not Root, behind":           {"Root=" + root + ";RootX=" + self, trace.Header{Trace: id, Other: "RootX=" + self}},
		"RootX is not Root, before":           {"RootX=" + self + ";Root=" + root, trace.Header{Trace: id, Other: "RootX=" + self}},
		"ParentX and SampledX are others too": {"Root=" + root + ";ParentX=" + parent + ";SampledX=1", trace.Header{Trace: id, Other: "ParentX=" + parent + ";SampledX=1"}},
		"Lineage":                             {"Root=" + root + ";Parent=" + parent + ";Sampled=0;Lineage=a87bd80c:0|68fd508a:5|c512fbe3:2", trace.Header{Trace: id, Parent: span, Sampled: trace.Dropped, Lineage: "a87bd80c:0|68fd508a:5|c512fbe3:2"}},
		"any order":                           {"Sampled=1;Parent=" + parent + ";Lineage=1:a:0;Root=" + root, trace.Header{Trace: id, Parent: span, Sampled: trace.Kept, Lineage: "1:a:0"}},
		"small letters":                       {"root=" + root + ";parent=" + parent + ";sampled=1", trace.Header{Trace: id, Parent: span, Sampled: trace.Kept}},
		"capital digits":                      {"Root=" + strings.ToUpper(root), trace.Header{Trace: id}},
		"a parent that is none":               {"Root=" + root + ";Parent=xyz;Sampled=1", trace.Header{Trace: id, Sampled: trace.Kept}},
		"a parent of zeros":                   {"Root=" + root + ";Parent=0000000000000000;Sampled=1", trace.Header{Trace: id, Sampled: trace.Kept}},
		"a decision that is none":             {"Root=" + root + ";Sampled=true", trace.Header{Trace: id}},
		"two roots: the first":                {"Root=" + root + ";Root=" + self, trace.Header{Trace: id}},
		"empty fields":                        {";;Root=" + root + ";;Sampled=1;", trace.Header{Trace: id, Sampled: trace.Kept}},
		"a field that may not be sent":        {"Root=" + root + ";X=a\r\nSet-Cookie: b;Y=ok", trace.Header{Trace: id, Other: "Y=ok"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := trace.ParseHeader(c.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			again, err := trace.ParseHeader(got.String())
			if err != nil || again != got {
				t.Errorf("%q is read back as %+v, %v", got.String(), again, err)
			}
		})
	}
}

func TestHeadersThatNameNoTrace(t *testing.T) {
	for _, in := range []string{
		"", ";", "Root", "Root=", "Parent=" + parent, "Lineage=a:1", "RootX=" + root, "XRoot=" + root,
		"Root=1-5759e988-bd862e3fe1be46a99427279", "Root=1-5759e988-bd862e3fe1be46a9942727933", "Root=2-5759e988-bd862e3fe1be46a994272793",
		"Root=1-5759e98g-bd862e3fe1be46a994272793", "Root=1-00000000-000000000000000000000000", "Root=1_5759e988_bd862e3fe1be46a994272793",
		"Root=" + w3c, "Root:" + root, root,
	} {
		if h, err := trace.ParseHeader(in); err == nil || !h.IsZero() {
			t.Errorf("%q: %+v, %v; want an error and no header", in, h, err)
		}
	}
}

func TestHeaderText(t *testing.T) {
	id, span := ids(t)
	h := trace.Header{Trace: id, Parent: span, Sampled: trace.Kept, Lineage: "a:1", Other: "X=1"}
	if got, want := h.String(), "Root="+root+";Parent="+parent+";Sampled=1;Lineage=a:1;X=1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := (trace.Header{}).String(); got != "" {
		t.Errorf("no trace is %q", got)
	}
}

// The examples of W3C's specification, and its rules.
func TestTraceparent(t *testing.T) {
	id, err := trace.ParseTraceID("0af7651916cd43dd8448eb211c80319c")
	if err != nil {
		t.Fatal(err)
	}
	span, err := trace.ParseSpanID("b7ad6b7169203331")
	if err != nil {
		t.Fatal(err)
	}
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"
	for in, sampled := range map[string]trace.Sampled{
		good + "01": trace.Kept, good + "00": trace.Dropped, good + "09": trace.Kept, good + "ff": trace.Kept, good + "fe": trace.Dropped,
		"cc" + good[2:] + "01": trace.Kept, "cc" + good[2:] + "01-what-comes-later": trace.Kept,
	} {
		got, err := trace.ParseTraceparent(in)
		if want := (trace.Header{Trace: id, Parent: span, Sampled: sampled}); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "00", good, good + "0", good + "0x", good + "01-more", "ff" + good[2:] + "01", "cc" + good[2:] + "01.more",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
		"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-001",
	} {
		if got, err := trace.ParseTraceparent(in); err == nil {
			t.Errorf("%q is taken as %+v", in, got)
		}
	}
	h := trace.Header{Trace: id, Parent: span, Sampled: trace.Kept}
	if got := h.Traceparent(); got != good+"01" {
		t.Errorf("got %s", got)
	}
	if id.String() != "1-0af76519-16cd43dd8448eb211c80319c" || id.W3C() != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("%s %s", id, id.W3C())
	}
	if got := (trace.Header{Trace: id}).Traceparent(); got != "" {
		t.Errorf("W3C knows no header without a span, got %s", got)
	}
}

func TestExtract(t *testing.T) {
	id, span := ids(t)
	const other = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	full := "Root=" + root + ";Parent=" + parent + ";Sampled=1"
	for name, c := range map[string]struct {
		x, w, state string
		want        string // the traceparent or header expected
	}{
		"X-Ray's alone":                         {x: full, want: full},
		"W3C's alone":                           {w: other, want: "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1"},
		"both: X-Ray's":                         {x: full, w: other, want: full},
		"a load balancer before a W3C caller":   {x: "Root=" + root, w: other, want: "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1"},
		"a load balancer before anybody":        {x: "Root=" + root, want: "Root=" + root},
		"a load balancer, a broken traceparent": {x: "Root=" + root, w: "00-1-2-3", want: "Root=" + root},
		"none":                                  {},
		"broken":                                {x: "Root=1", w: "x"},
	} {
		h := http.Header{}
		if c.x != "" {
			h.Set("x-amzn-trace-id", c.x)
		}
		if c.w != "" {
			h.Set("traceparent", c.w)
		}
		got, ok := trace.Extract(h)
		if got.String() != c.want || ok != (c.want != "") {
			t.Errorf("%s: %s, %t; want %s", name, got, ok, c.want)
		}
	}
	// What is written is read back, W3C's state and Lambda's lineage with it.
	out := http.Header{}
	want := trace.Header{Trace: id, Parent: span, Sampled: trace.Kept, Lineage: "a:1"}
	want.Inject(out)
	if got, _ := trace.Extract(out); got != want {
		t.Errorf("%+v is sent as %v and read as %+v", want, out, got)
	}
	out = http.Header{"Traceparent": {other}, "Tracestate": {"congo=t61rcWkgMzE"}}
	if got, _ := trace.Extract(out); got.State != "congo=t61rcWkgMzE" {
		t.Errorf("the state is %q", got.State)
	}
}

func TestFromContext(t *testing.T) {
	full := "Root=" + root + ";Parent=" + parent + ";Sampled=1"
	ctx := context.WithValue(t.Context(), "x-amzn-trace-id", full) //nolint:staticcheck // aws-lambda-go's key is a string
	if h, ok := trace.FromContext(ctx); !ok || h.String() != full {
		t.Errorf("got %v, %t", h, ok)
	}
	if h, ok := trace.FromContext(t.Context()); ok {
		t.Errorf("nothing gives %v", h)
	}
	t.Setenv("_X_AMZN_TRACE_ID", full)
	if h, ok := trace.FromContext(t.Context()); !ok || h.String() != full {
		t.Errorf("one invocation at a time: got %v, %t", h, ok)
	}
	t.Setenv("AWS_LAMBDA_MAX_CONCURRENCY", "1")
	if _, ok := trace.FromContext(t.Context()); !ok {
		t.Error("a concurrency of one is one invocation at a time")
	}
	t.Setenv("AWS_LAMBDA_MAX_CONCURRENCY", "8")
	if h, ok := trace.FromContext(t.Context()); ok {
		t.Errorf("several invocations at a time: the variable may be another's, got %v", h)
	}
	if h, ok := trace.FromContext(ctx); !ok || h.String() != full {
		t.Errorf("several at a time, the context knows: got %v, %t", h, ok)
	}
}

func TestHeaderRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := trace.Header{
			Sampled: trace.Sampled(rapid.IntRange(0, 3).Draw(t, "sampled")),
			Lineage: rapid.StringMatching(`([0-9a-f]{8}:[0-9]{1,3}(\|[0-9a-f]{8}:[0-9]){0,2})?`).Draw(t, "lineage"),
			Other:   rapid.StringMatching(`([A-Z][a-q]{3,8}(=[ -:<-~]{0,8}[!-:<-~])?(;[A-Z][a-q]{3,8})?)?`).Draw(t, "other"),
		}
		copy(h.Trace[:], rapid.SliceOfN(rapid.ByteRange(1, 255), 16, 16).Draw(t, "trace"))
		copy(h.Parent[:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "parent"))
		for _, known := range []string{"root", "self", "parent", "sampled", "lineage"} {
			for f := range strings.SplitSeq(h.Other, ";") {
				if k, _, _ := strings.Cut(f, "="); strings.EqualFold(strings.TrimSpace(k), known) {
					t.Skip()
				}
			}
		}
		got, err := trace.ParseHeader(h.String())
		if err != nil || got != h {
			t.Fatalf("%s\n%+v is read as\n%+v, %v", h, h, got, err)
		}
		if !h.Parent.IsZero() {
			w, err := trace.ParseTraceparent(h.Traceparent())
			if err != nil || w.Trace != h.Trace || w.Parent != h.Parent || (w.Sampled == trace.Kept) != (h.Sampled == trace.Kept) {
				t.Fatalf("%s is read as %+v, %v", h.Traceparent(), w, err)
			}
		}
	})
}

func FuzzParseHeader(f *testing.F) {
	for _, s := range []string{"", "Root=" + root + ";Parent=" + parent + ";Sampled=1", "Self=1;Root=" + root, "Root=" + root + "; X;=;;Lineage=a:1|b:2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := trace.ParseHeader(s)
		if err != nil {
			if !h.IsZero() || h != (trace.Header{}) {
				t.Fatalf("%q: an error and %+v", s, h)
			}
			return
		}
		text := h.String()
		again, err := trace.ParseHeader(text)
		if err != nil || again != h {
			t.Fatalf("%q becomes %q, which is read as %+v, %v; want %+v", s, text, again, err, h)
		}
		if len(text) > 2048 || strings.ContainsAny(text, "\r\n\x00") {
			t.Fatalf("%q is no header's value", text)
		}
	})
}

func FuzzParseTraceparent(f *testing.F) {
	f.Add("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	f.Add("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := trace.ParseTraceparent(s)
		if err != nil {
			return
		}
		if again, err := trace.ParseTraceparent(h.Traceparent()); err != nil || again != h {
			t.Fatalf("%q becomes %q", s, h.Traceparent())
		}
	})
}
