package survey_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"gitlab.com/nines-sre/nines/internal/cost"
	"gitlab.com/nines-sre/nines/internal/discover"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run/survey"
)

// directory is a directory in memory. A region or an action that is denied
// answers with the error it has.
type directory struct {
	names  []metric.Name
	alarms []metric.Alarm
	slos   []metric.Managed
	denied map[string]error // by action, or by region for ListMetrics
	more   bool

	mu       sync.Mutex
	requests int64
}

func (d *directory) Requests() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.requests
}

func (d *directory) count() {
	d.mu.Lock()
	d.requests++
	d.mu.Unlock()
}

func (d *directory) List(_ context.Context, l metric.Listing) (metric.Found, error) {
	d.count()
	if err := d.denied["ListMetrics "+l.Region]; err != nil {
		return metric.Found{}, err
	}
	out := metric.Found{More: d.more}
	for _, n := range d.names {
		ok := n.Namespace == l.Namespace && n.Metric == l.Metric
		for name, value := range l.Dimensions {
			have, is := n.Dimensions[name]
			ok = ok && is && (value == "" || value == have)
		}
		if ok {
			out.Names = append(out.Names, n)
		}
	}
	return out, nil
}

func (d *directory) Alarms(context.Context) ([]metric.Alarm, error) {
	d.count()
	return d.alarms, d.denied["DescribeAlarms"]
}

func (d *directory) Objectives(context.Context) ([]metric.Managed, error) {
	d.count()
	return d.slos, d.denied["ListServiceLevelObjectives"]
}

// counting is a planner that bills a metric a query.
type counting struct{}

func (counting) Plan(r metric.Request) metric.Usage {
	return metric.Usage{Requests: 1, Metrics: int64(len(r.Queries))}
}

func lambda(names ...string) []metric.Name {
	var out []metric.Name
	for _, f := range names {
		for _, m := range []string{"Errors", "Throttles", "Invocations", "Duration"} {
			out = append(out, metric.Name{Namespace: "AWS/Lambda", Metric: m, Dimensions: map[string]string{"FunctionName": f}})
		}
	}
	return out
}

func env(t *testing.T, d *directory) *survey.Env {
	t.Helper()
	prices, err := cost.Default()
	if err != nil {
		t.Fatal(err)
	}
	return &survey.Env{Directory: d, Planner: counting{}, Prices: prices, Now: 29_000_000}
}

func denied(action string) error {
	return fault.New(fault.Denied, action, "AccessDenied: not authorized", "allow cloudwatch:"+action)
}

// TestTheRestGoesOn: each list that is denied is a note that names the action;
// only when nothing could be listed is it an error.
func TestTheRestGoesOn(t *testing.T) {
	d := &directory{
		names: lambda("pay"), alarms: []metric.Alarm{{Name: "b"}, {Name: "a", Metrics: lambda("pay")[:1]}}, slos: []metric.Managed{{Name: "s"}},
		denied: map[string]error{"ListServiceLevelObjectives": denied("ListServiceLevelObjectives"), "ListMetrics us-east-1": denied("ListMetrics")},
	}
	r, err := survey.Run(t.Context(), env(t, d), survey.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Services) != 1 || len(r.Alarms) != 2 || r.Alarms[0].Name != "a" || len(r.Notes) != 2 || r.Requests != d.requests {
		t.Errorf("%+v", r)
	}
	for _, want := range []string{"metrics in us-east-1 are left out: ListMetrics", "allow cloudwatch:ListMetrics", "Application Signals are left out"} {
		if !strings.Contains(strings.Join(r.Notes, "\n"), want) {
			t.Errorf("notes %q say nothing of %q", r.Notes, want)
		}
	}
	if s := r.Services[0]; s.Metrics != 4 || s.EveryMinute <= s.Adaptive || !slices.Equal(s.Alarms, []string{"a"}) {
		t.Errorf("%+v", s)
	}
	d.denied = map[string]error{"ListMetrics ": denied("ListMetrics"), "ListMetrics us-east-1": denied("ListMetrics"), "DescribeAlarms": denied("DescribeAlarms"), "ListServiceLevelObjectives": denied("x")}
	d.requests = 0
	if _, err = survey.Run(t.Context(), env(t, d), survey.Options{}); fault.KindOf(err) != fault.Denied {
		t.Errorf("nothing can be listed: %v", err)
	}
	// A region that refused is not asked for every other metric, but for those
	// that were under way.
	if d.requests > 12 {
		t.Errorf("%d requests to a region that refuses", d.requests)
	}
}

// TestKindsNarrow: only what was asked for is listed.
func TestKindsNarrow(t *testing.T) {
	for kinds, want := range map[string]int64{"lambda": 4, "alarm": 1, "slo": 1, "lambda alarm": 5, "sqs": 1} {
		d := &directory{names: lambda("pay")}
		if _, err := survey.Run(t.Context(), env(t, d), survey.Options{Kinds: strings.Fields(kinds)}); err != nil || d.requests != want {
			t.Errorf("%s: %d requests, want %d (%v)", kinds, d.requests, want, err)
		}
	}
}

// TestOneService: an alias has its own metrics; a name that is not there brings
// up those that look like it.
func TestOneService(t *testing.T) {
	names := lambda("pay", "payments", "other")
	names = append(names, metric.Name{Namespace: "AWS/Lambda", Metric: "Invocations", Dimensions: map[string]string{"FunctionName": "pay", "Resource": "pay:live"}})
	d := &directory{names: names}
	of := func(text string) survey.Report {
		ref, err := discover.ParseRef(text)
		if err != nil {
			t.Fatal(err)
		}
		r, err := survey.Run(t.Context(), env(t, d), survey.Options{Ref: &ref})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := of("lambda/pay"); len(r.Services) != 1 || !slices.Equal(r.Services[0].Narrower, []string{"lambda/pay@live"}) || r.Services[0].Latency.State != discover.Measurable {
		t.Errorf("%+v", r.Services)
	}
	if r := of("lambda/pay@live"); len(r.Services) != 1 || r.Services[0].Available.State != discover.Quiet || r.Services[0].Latency.State != discover.Missing {
		t.Errorf("%+v", r.Services)
	}
	for text, want := range map[string]string{"lambda/paymets": "lambda/payments", "lambda/PAY": "lambda/pay", "lambda/zzzzzzzzzzzz": ""} {
		r := of(text)
		if len(r.Services) != 0 || (len(r.Near) > 0) != (want != "") || want != "" && r.Near[0] != want {
			t.Errorf("%s: %+v", text, r)
		}
	}
}

// TestThousands: 5,000 functions are found and priced, and a list that was cut
// off says so.
func TestThousands(t *testing.T) {
	var fs []string
	for i := range 5000 {
		fs = append(fs, fmt.Sprintf("f%04d", i))
	}
	d := &directory{names: lambda(fs...), more: true}
	r, err := survey.Run(t.Context(), env(t, d), survey.Options{Kinds: []string{"lambda"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Services) != 5000 || r.Services[4999].Metrics != 4 || len(r.Notes) == 0 || !strings.Contains(r.Notes[0], "more than 5000 metrics") {
		t.Errorf("%d services, notes %q", len(r.Services), r.Notes)
	}
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := survey.Run(ctx, env(t, &directory{}), survey.Options{}); fault.KindOf(err) != fault.Canceled {
		t.Errorf("%v", err)
	}
}
