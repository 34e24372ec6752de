package discover_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/discover"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
)

// drawRef draws references with names as foreign as they come.
func drawRef(t *rapid.T) discover.Ref {
	r := discover.Ref{
		Kind: rapid.SampledFrom(discover.Kinds()).Draw(t, "kind"),
		Name: rapid.StringMatching(`[a-zA-Z0-9@/:._ é\x1b"#-]{0,20}[a-z0-9é@]`).Draw(t, "name"),
	}
	if slices.Contains([]string{"alb", "apigateway", "httpapi", "lambda"}, r.Kind) {
		r.Suffix = rapid.StringMatching(`[a-zA-Z0-9_$/-]{0,10}`).Draw(t, "suffix")
	}
	return r
}

// TestReferencesReadBack: what is printed is read as the same, and what AWS
// publishes for a reference is found under it again.
func TestReferencesReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRef(t)
		back, err := discover.ParseRef(r.String())
		if err != nil || back != r {
			t.Fatalf("%+v prints as %q and reads as %+v (%v)", r, r, back, err)
		}
		var names []metric.Name
		for _, l := range discover.ListingsOf(r) {
			names = append(names, metric.Name{Namespace: l.Namespace, Metric: l.Metric, Dimensions: r.Dimensions()})
		}
		got := discover.Services(names)
		if len(got) != 1 || got[0].Ref != r || !got[0].Able() || len(got[0].Available.Absent)+len(got[0].Latency.Absent) > 0 {
			t.Fatalf("%q is found as %+v", r, got)
		}
	})
}

// TestDocumentsAreRight: whatever a service is called, the document is one that
// strict lint has nothing against, and it measures the same dimensions.
func TestDocumentsAreRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRef(t)
		objectives := []string{"99.9% available", "99% < 300ms"}
		d := discover.Doc{
			Ref: r, Name: r.ServiceName(), Window: "28d", Objectives: objectives,
			Head:  []string{"From " + r.String() + "\n\x1b[2Jspec: broken"},
			Place: metric.Place{Region: rapid.SampledFrom([]string{"", "eu-west-1"}).Draw(t, "region"), Account: rapid.SampledFrom([]string{"", "012345678901"}).Draw(t, "account")},
		}
		body := discover.Document(d)
		cat, problems := config.Parse([]config.File{{Name: "a.yaml", Data: body}}, config.Options{Strict: true})
		if len(problems) > 0 {
			t.Fatalf("%v\n%s", problems, body)
		}
		p, _ := config.PresetOf(r.Kind)
		want := 2
		if p.Available.Refused != "" || p.Latency.Refused != "" {
			want = 1
		}
		if len(cat.Objectives) != want {
			t.Fatalf("%d objectives, want %d\n%s", len(cat.Objectives), want, body)
		}
		out, _, err := config.Expand([]config.File{{Name: "a.yaml", Data: body}}, nil, config.Options{})
		if err != nil {
			t.Fatal(err)
		}
		long, problems := config.Parse([]config.File{{Name: "a.yaml", Data: out}}, config.Options{Strict: true})
		if len(problems) > 0 || long.Digest != cat.Digest {
			t.Fatalf("expanded it says something else: %v", problems)
		}
	})
}

func TestParseRefRefuses(t *testing.T) {
	for text, hint := range map[string]string{
		"": "KIND/NAME", "lambda": "KIND/NAME", "lambda/": "KIND/NAME", "lambda/  ": "KIND/NAME", "/x": "KIND/NAME",
		"lamda/x": "did you mean lambda?", "toaster/x": "the kinds are alb, apigateway", "csv/a.csv": "nines analyze", "apigateway/@prod": "KIND/NAME",
	} {
		_, err := discover.ParseRef(text)
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.HintOf(err), hint) {
			t.Errorf("%q: %v, hint %q", text, err, fault.HintOf(err))
		}
	}
}

func dims(pairs ...string) map[string]string {
	out := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
	}
	return out
}

// TestServices: stages are services of their own, aliases and target groups are
// parts of one; what has further dimensions is something else.
func TestServices(t *testing.T) {
	var names []metric.Name
	add := func(namespace string, dims map[string]string, metrics ...string) {
		for _, m := range metrics {
			names = append(names, metric.Name{Namespace: namespace, Metric: m, Dimensions: dims})
		}
	}
	add("AWS/Lambda", dims("FunctionName", "pay"), "Errors", "Throttles", "Invocations", "Duration")
	add("AWS/Lambda", dims("FunctionName", "pay", "Resource", "pay:live"), "Errors", "Invocations")
	add("AWS/Lambda", dims("FunctionName", "pay", "Resource", "pay"), "Errors")
	add("AWS/Lambda", dims("FunctionName", "pay", "Resource", "pay:live", "ExecutedVersion", "3"), "Errors")
	add("AWS/ApiGateway", dims("ApiName", "shop"), "Count", "Latency")
	add("AWS/ApiGateway", dims("ApiName", "shop", "Stage", "prod"), "Count", "Latency", "5XXError")
	add("AWS/ApiGateway", dims("ApiName", "shop", "Stage", "test"), "Count")
	add("AWS/ApiGateway", dims("ApiName", "shop", "Stage", "prod", "Method", "GET", "Resource", "/"), "Count")
	add("AWS/ApiGateway", dims("ApiId", "shop"), "Count")
	add("AWS/ApplicationELB", dims("LoadBalancer", "app/web/1"), "RequestCount", "TargetResponseTime")
	add("AWS/ApplicationELB", dims("LoadBalancer", "app/web/1", "AvailabilityZone", "a"), "RequestCount")
	add("AWS/ApplicationELB", dims("LoadBalancer", "app/web/1", "TargetGroup", "targetgroup/a/2"), "RequestCount")
	add("AWS/CloudFront", dims("DistributionId", "E1", "Region", "Global"), "Requests")
	add("AWS/CloudFront", dims("DistributionId", "E2"), "Requests")
	add("AWS/SQS", dims("QueueName", "jobs"), "ApproximateAgeOfOldestMessage")
	add("AWS/SQS", dims("QueueName", ""), "ApproximateAgeOfOldestMessage")
	add("AWS/EC2", dims("InstanceId", "i-1"), "CPUUtilization")
	var got []string
	for _, s := range discover.Services(names) {
		got = append(got, fmt.Sprintf("%s %s %s %s", s.Ref, s.Available.State, s.Latency.State, strings.Join(s.Narrower, "+")))
	}
	want := []string{
		"alb/app/web/1 no errors yes alb/app/web/1@targetgroup/a/2",
		"apigateway/shop@prod yes yes ",
		"apigateway/shop@test missing missing ",
		"cloudfront/E1 no errors missing ",
		"httpapi/shop no errors missing ",
		"lambda/pay yes yes lambda/pay@live",
		"sqs/jobs refused yes ",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestListingsAskOnlyWhatIsRead: each metric of a preset once.
func TestListingsAskOnlyWhatIsRead(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range discover.Listings(nil, false) {
		key := fmt.Sprint(l)
		if seen[key] || l.Namespace == "" || l.Metric == "" || len(l.Dimensions) == 0 {
			t.Errorf("asked twice, or for everything: %+v", l)
		}
		seen[key] = true
	}
	if n := len(discover.Listings([]string{"lambda"}, true)); n != 4 {
		t.Errorf("%d listings find the functions, want 4", n)
	}
	for _, l := range discover.Listings([]string{"cloudfront"}, true) {
		if l.Region != "us-east-1" || l.Dimensions["Region"] != "Global" || !l.Recent {
			t.Errorf("CloudFront is looked for in %+v", l)
		}
	}
}

func TestNear(t *testing.T) {
	have := []string{"payment-api", "payments-api", "checkout", "payment_api_v2", "x"}
	for want, first := range map[string]string{
		"payment-apy": "payment-api", "PaymentApi": "payment-api", "chekout": "checkout", "payment": "payment-api", "zzzzzzzz": "", "": "",
	} {
		got := discover.Near(want, have, 3)
		if first == "" && len(got) > 0 && want != "" || first != "" && (len(got) == 0 || got[0] != first) {
			t.Errorf("near %q: %v, want first %q", want, got, first)
		}
	}
}

// TestNearOrders: an equal name comes first.
func TestNearOrders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		have := rapid.SliceOfN(rapid.StringMatching(`[a-c]{0,6}`), 0, 8).Draw(t, "have")
		want := rapid.StringMatching(`[a-c]{1,6}`).Draw(t, "want")
		got := discover.Near(want, append(have, want), 20)
		if len(got) == 0 || got[0] != want {
			t.Fatalf("an equal name is not the nearest: %v", got)
		}
	})
}

func TestServiceNames(t *testing.T) {
	for ref, want := range map[discover.Ref]string{
		{Kind: "lambda", Name: "Payment_API"}:                 "payment-api",
		{Kind: "alb", Name: "app/web/0123"}:                   "web",
		{Kind: "nlb", Name: "net/edge/0123"}:                  "edge",
		{Kind: "sqs", Name: "jobs.fifo"}:                      "jobs-fifo",
		{Kind: "sqs", Name: "---"}:                            "sqs",
		{Kind: "lambda", Name: strings.Repeat("abcde-", 200)}: strings.Repeat("abcde-", 8)[:47],
	} {
		if got := ref.ServiceName(); got != want {
			t.Errorf("%s: %q, want %q", ref, got, want)
		}
	}
}
