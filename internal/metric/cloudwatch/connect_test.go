package cloudwatch_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/cloudwatch"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// tokens is an STS that gives out credentials of an account for a role, if the
// external ID is the one the role asks for.
type tokens struct {
	mu    sync.Mutex
	roles []string
}

func (s *tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.roles = append(s.roles, r.FormValue("RoleArn"))
	if r.FormValue("ExternalId") != "shop/42" {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to assume it</Message></Error></ErrorResponse>`)
		return
	}
	_, _ = fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>123456789012</AccessKeyId>`+
		`<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

// TestTypeAssumesTheRole goes the whole way a document goes: the SDK's settings
// from the environment, the role from the data source, its external ID with it.
func TestTypeAssumesTheRole(t *testing.T) {
	end := slo.MinuteOf(clock)
	span := slo.Span{From: end - 10, To: end}
	l := within(t, nil)
	l.load("123456789012", "eu-west-1", 1, span) // the access key that STS gives names the account
	server, sts := httptest.NewServer(l.server), &tokens{}
	stsServer := httptest.NewServer(sts)
	t.Cleanup(server.Close)
	t.Cleanup(stsServer.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_CLOUDWATCH": server.URL, "AWS_ENDPOINT_URL_STS": stsServer.URL,
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "", "AWS_REGION": "us-east-1",
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
	} {
		t.Setenv(name, value)
	}
	kind := cloudwatch.Type(config.CheckCloudWatch, config.CheckCloudWatchDetails, func() time.Time { return clock })
	open := func(details slo.Spec) metric.Source {
		t.Helper()
		if problems := kind.CheckDetails(details); len(problems) > 0 {
			t.Fatalf("lint says %v", problems)
		}
		src, err := kind.Open(t.Context(), details, "")
		if err != nil {
			t.Fatal(err)
		}
		return src
	}
	details := slo.Spec{"region": "eu-west-1", "roleArn": "arn:aws:iam::123456789012:role/read", "externalId": "shop/42", "rate": "20"}
	all, err := open(details).Fetch(t.Context(), ask(1, span))
	if err != nil {
		t.Fatal(err)
	}
	isWhole(t, 0, all[0], span)
	if len(sts.roles) != 1 || sts.roles[0] != "arn:aws:iam::123456789012:role/read" {
		t.Errorf("assumed %v", sts.roles)
	}
	details["externalId"] = "other"
	all, err = open(details).Fetch(t.Context(), ask(1, span))
	if err != nil || fault.KindOf(all[0].Err) != fault.Denied {
		t.Errorf("with another external ID: %+v, %v", all, err)
	}
}

// TestRatesOfADataSource: settings steer the pace, and nonsense is refused.
func TestRatesOfADataSource(t *testing.T) {
	kind := cloudwatch.Type(config.CheckCloudWatch, config.CheckCloudWatchDetails, time.Now)
	for _, c := range []struct {
		details slo.Spec
		want    metric.Pace
	}{
		{nil, metric.Pace{Requests: 40, Datapoints: 316_800}},
		{slo.Spec{"rate": "2.5"}, metric.Pace{Requests: 2.5, Datapoints: 316_800}},
		{slo.Spec{"rate": "10", "datapointRate": "1e5"}, metric.Pace{Requests: 10, Datapoints: 100_000}},
	} {
		src, err := kind.Open(t.Context(), c.details, "")
		if err != nil {
			t.Fatal(err)
		}
		if paced, ok := src.(metric.Paced); !ok || paced.Pace() != c.want {
			t.Errorf("%v: %+v, want %+v", c.details, src, c.want)
		}
	}
	for _, name := range []string{"rate", "datapointRate"} {
		for _, value := range []string{"", "fast", "0", "-1", "NaN", "Inf", "1e999"} {
			if _, err := kind.Open(t.Context(), slo.Spec{name: value}, ""); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%s %q: %v", name, value, err)
			}
			if len(kind.CheckDetails(slo.Spec{name: value})) == 0 {
				t.Errorf("lint takes %s %q", name, value)
			}
		}
	}
}

// The local server is what the other tests rely on; that it throttles at all is
// seen here, with a client that does not try again.
func TestQuotaIsEnforced(t *testing.T) {
	l := within(t, func(c *cloudwatchd.Config) { c.Quota = cloudwatchd.Quota{Calls: 1} })
	l.opt.Rate = 1000
	end := slo.MinuteOf(clock)
	refused := 0
	src := l.source()
	for range 5 {
		for _, s := range fetch(t, src, ask(1, slo.Span{From: end - 5, To: end})) {
			if fault.KindOf(s.Err) == fault.Throttled {
				refused++
			}
		}
	}
	if refused == 0 {
		t.Error("five calls within a second pass a quota of one")
	}
}

// TestLagOfADataSource: a source says when its minutes are published, and
// nonsense is refused.
func TestLagOfADataSource(t *testing.T) {
	kind := cloudwatch.Type(config.CheckCloudWatch, config.CheckCloudWatchDetails, time.Now)
	for text, want := range map[string]slo.Minute{"": 3, "1m": 1, "15m": 15} {
		details := slo.Spec{}
		if text != "" {
			details["lag"] = text
		}
		src, err := kind.Open(t.Context(), details, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := src.Caps().Lag; got != want {
			t.Errorf("%q: a lag of %d, want %d", text, got, want)
		}
	}
	for _, text := range []string{"", "0m", "16m", "1M", "soon", "-1m"} {
		if _, err := kind.Open(t.Context(), slo.Spec{"lag": text}, ""); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", text, err)
		}
		if len(kind.CheckDetails(slo.Spec{"lag": text})) == 0 {
			t.Errorf("lint takes the lag %q", text)
		}
	}
}
