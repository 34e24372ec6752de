package metrics_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
	"gitlab.com/nines-sre/nines/telemetry/metrics"
)

// A function that was moved from Python keeps its settings.
func TestSettingsOfPowertools(t *testing.T) {
	t.Parallel()
	base := map[string]string{"POWERTOOLS_METRICS_NAMESPACE": "PaymentAPI", "POWERTOOLS_SERVICE_NAME": "payment-service"}
	with := func(more ...string) map[string]string {
		m := map[string]string{}
		maps.Copy(m, base)
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	for _, c := range []struct {
		name               string
		vars               map[string]string
		namespace, service string // "": nothing is written
		problem            string
	}{
		{"both", base, "PaymentAPI", "payment-service", ""},
		{"disabled", with("POWERTOOLS_METRICS_DISABLED", "true"), "", "", ""},
		{"disabled, as 1", with("POWERTOOLS_METRICS_DISABLED", "1"), "", "", ""},
		{"not disabled", with("POWERTOOLS_METRICS_DISABLED", "false"), "PaymentAPI", "payment-service", ""},
		{"a typo disables nothing", with("POWERTOOLS_METRICS_DISABLED", "ture"), "PaymentAPI", "payment-service", "POWERTOOLS_METRICS_DISABLED"},
		{"in development", with("POWERTOOLS_DEV", "true"), "", "", ""},
		{"in development, asked for", with("POWERTOOLS_DEV", "true", "POWERTOOLS_METRICS_DISABLED", "false"), "PaymentAPI", "payment-service", ""},
		{"OpenTelemetry's name", map[string]string{"POWERTOOLS_METRICS_NAMESPACE": "PaymentAPI", "OTEL_SERVICE_NAME": "pay"}, "PaymentAPI", "pay", ""},
		{"nothing", nil, "default_namespace", "service_undefined", "set POWERTOOLS_METRICS_NAMESPACE"},
		{"a service that CloudWatch refuses", with("POWERTOOLS_SERVICE_NAME", "zahlung-für"), "PaymentAPI", "service_undefined", "service name"},
	} {
		out := &stream{}
		r := metrics.New(metrics.WithWriter(out), metrics.WithClock(at), environment(c.vars))
		r.MustMetric("m", metrics.Count).Add(t.Context(), 1)
		r.MustMetric("m", metrics.Count).Emit(t.Context(), 1)
		r.Metadata(t.Context(), "k", "v")
		drops := r.Flush(t.Context())
		docs := out.documents(t)
		if c.namespace == "" {
			if docs != nil || drops != nil {
				t.Errorf("%s: %v %v", c.name, docs, drops)
			}
		} else if len(docs) != 2 || docs[0].namespace != c.namespace || docs[0].dimensions["service"] != c.service {
			t.Errorf("%s: %+v", c.name, docs)
		}
		if p := strings.Join(r.Problems(), "\n"); (p == "") != (c.problem == "") || !strings.Contains(p, c.problem) {
			t.Errorf("%s: problems %q", c.name, p)
		}
	}
}

func TestOptionsComeBeforeTheEnvironment(t *testing.T) {
	t.Parallel()
	r, out := start(t, environment(map[string]string{"POWERTOOLS_METRICS_NAMESPACE": "other", "POWERTOOLS_SERVICE_NAME": "other"}),
		nil, metrics.WithClock(nil), metrics.WithEnvironment(nil))
	r.MustMetric("m", metrics.Count).Add(t.Context(), 1)
	r.Flush(t.Context())
	if d := out.documents(t)[0]; d.namespace != "Shop" || d.dimensions["service"] != "pay" {
		t.Errorf("%+v", d)
	}
}

// Defaults stand in front; a set that names one of them gives it its own value,
// for that set alone (they clobbered each other in Powertools for .NET).
func TestDefaultDimensions(t *testing.T) {
	t.Parallel()
	r, out := start(t, metrics.WithDimension("env", "test"), metrics.WithDimension("env", "prod"), metrics.WithDimension("bad", ""),
		metrics.WithDimension("_aws", "x"), metrics.WithDimension("region", "eu-west-1"))
	if p := r.Problems(); len(p) != 2 || !strings.Contains(p[0], `"bad" is empty`) || !strings.Contains(p[1], `"_aws"`) {
		t.Errorf("%q", p)
	}
	m := r.MustMetric("m", metrics.Count)
	m.With(r.MustDimensions("route", "env").Of("/", "canary")).Add(t.Context(), 1)
	m.Add(t.Context(), 2)
	m.With(metrics.Dimensions{}).Add(t.Context(), 3)
	m.With(r.MustDimensions().Of()).Add(t.Context(), 4)
	r.Flush(t.Context())
	d := out.documents(t)
	if len(d) != 3 || d[0].dimensions["env"] != "canary" || d[1].dimensions["env"] != "prod" || !slices.Equal(d[1].values("m"), []float64{2, 3}) ||
		!slices.Equal(d[1].sets[0], []string{"service", "env", "region"}) || !slices.Equal(d[0].sets[0], []string{"service", "region", "route", "env"}) {
		t.Errorf("%+v", d)
	}
	many := []metrics.Option{}
	for i := range 40 {
		many = append(many, metrics.WithDimension("d"+string(rune('A'+i)), "x"))
	}
	r, out = start(t, many...)
	r.MustMetric("m", metrics.Count).Add(t.Context(), 1)
	r.Flush(t.Context())
	if d := out.documents(t)[0]; len(d.dimensions) != 30 || len(r.Problems()) != 11 {
		t.Errorf("%d defaults, %d problems", len(d.dimensions), len(r.Problems()))
	}
}

func TestSets(t *testing.T) {
	t.Parallel()
	r, out := start(t)
	m := r.MustMetric("m", metrics.Count)
	route, version := r.MustDimensions("route"), r.MustDimensions("route", "version")
	all, err := r.Sets(route.Of("/"), version.Of("/", "2"), route.Of("/"), metrics.Dimensions{})
	expect(t, "three of four", err, "")
	m.With(all).Add(t.Context(), 1)
	_, err = r.Sets(route.Of("/a"), version.Of("/b", "2"))
	expect(t, "two values of a name", err, `"route" is "/a" in one set and "/b" in another`)
	refused, err := r.Sets(route.Of(""))
	expect(t, "refused ones", err, "refused")
	m.With(refused).Add(t.Context(), 1)
	other, _ := start(t)
	_, err = other.Sets(all)
	expect(t, "another's", err, "another registry's")
	none, err := r.Sets()
	expect(t, "none", err, "")
	m.With(none).Add(t.Context(), 2)
	drops := r.Flush(t.Context())
	d := out.documents(t)
	if len(d) != 2 || len(d[0].sets) != 3 || len(d[1].sets) != 1 || dropped(drops, metrics.BadDimensions) != 1 {
		t.Errorf("%+v %v", d, drops)
	}
}

// The cold start is counted once, for an invocation that waited for it.
func TestColdStart(t *testing.T) {
	t.Parallel()
	lambda := func(more ...string) map[string]string {
		m := map[string]string{"AWS_LAMBDA_FUNCTION_NAME": "pay-fn", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "POWERTOOLS_METRICS_NAMESPACE": "PaymentAPI"}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	cold := scope.Start{Function: &scope.Function{Name: "pay-fn", Cold: true}, Concurrent: true}
	for _, c := range []struct {
		name  string
		vars  map[string]string
		start scope.Start
		opts  []metrics.Option
		want  string // function_name; "none": no document; "": without the dimension
	}{
		{"cold", lambda(), cold, nil, "pay-fn"},
		{"warm", lambda(), scope.Start{Function: &scope.Function{Name: "pay-fn"}, Concurrent: true}, nil, "none"},
		{"a request of a server", nil, scope.Start{Concurrent: true}, nil, "none"},
		{"provisioned", lambda("AWS_LAMBDA_INITIALIZATION_TYPE", "provisioned-concurrency"), cold, nil, "none"},
		{"disabled", lambda("POWERTOOLS_METRICS_DISABLED", "true"), cold, nil, "none"},
		{"no namespace", lambda("POWERTOOLS_METRICS_NAMESPACE", ""), cold, nil, "none"},
		{"named by the environment", lambda("POWERTOOLS_METRICS_FUNCTION_NAME", "payments"), cold, nil, "payments"},
		{"named by option", lambda("POWERTOOLS_METRICS_FUNCTION_NAME", "payments"), cold, []metrics.Option{metrics.WithFunctionName("mine")}, "mine"},
		{"no name in the context", lambda(), scope.Start{Function: &scope.Function{Cold: true}, Concurrent: true}, nil, "pay-fn"},
		{"a name that CloudWatch refuses", lambda("POWERTOOLS_METRICS_FUNCTION_NAME", "größe"), cold, nil, ""},
		{"a default of that name", lambda(), cold, []metrics.Option{metrics.WithDimension("function_name", "x")}, "pay-fn"},
	} {
		out := &stream{}
		r := metrics.New(append([]metrics.Option{metrics.WithWriter(out), metrics.WithClock(at), environment(c.vars)}, c.opts...)...)
		r.MustMetric("m", metrics.Count)
		ctx, _ := invoke(t, c.start)
		r.Metadata(ctx, "k", "v")
		r.ColdStart(context.Background())
		r.ColdStart(ctx)
		r.ColdStart(ctx)
		docs := out.documents(t)
		if c.want == "none" {
			if len(docs) != 0 {
				t.Errorf("%s: %+v", c.name, docs)
			}
			continue
		}
		if len(docs) != 1 || docs[0].values("ColdStart")[0] != 1 || docs[0].metrics[0].Unit != "Count" || docs[0].dimensions["function_name"] != c.want || docs[0].members["k"] != nil {
			t.Errorf("%s: %+v", c.name, docs)
		}
	}
}
