package cloudwatchd_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// serve runs f against a server that the caller closes.
func serve(t *testing.T, s *cloudwatchd.Server, f func(*bench)) {
	t.Helper()
	h := httptest.NewServer(s)
	defer h.Close()
	b := &bench{t: t, server: s, url: h.URL, http: h.Client()}
	b.cw = b.client("eu-west-1", "AKIDEXAMPLE")
	f(b)
}

func TestClockOverHTTP(t *testing.T) {
	b := start(t)
	for _, c := range []struct {
		body   string
		want   time.Time
		frozen bool
	}{
		{`{"advance":"90m"}`, noon.Add(90 * time.Minute), false},
		{`{"set":"2025-01-31T00:00:00Z"}`, time.Date(2025, 1, 31, 0, 0, 0, 0, time.UTC), false},
		{`{"freeze":"2014-04-24T00:00:00Z"}`, time.Date(2014, 4, 24, 0, 0, 0, 0, time.UTC), true},
		{`{"advance":"-24h"}`, time.Date(2014, 4, 23, 0, 0, 0, 0, time.UTC), true},
		{`{"release":true}`, noon, false},
	} {
		var got cloudwatchd.ClockState
		if status := b.json("POST", "/_nines/clock", c.body, &got); status != 200 || !got.Now.Equal(c.want) || got.Frozen != c.frozen {
			t.Errorf("%s: %d %+v", c.body, status, got)
		}
	}
	for _, body := range []string{``, `{}`, `{"set":"soon"}`, `{"set":"2025-01-31T00:00:00Z","release":true}`, `{"forward":"1h"}`} {
		var e struct{ Error string }
		if status := b.json("POST", "/_nines/clock", body, &e); status != 400 || e.Error == "" {
			t.Errorf("%q: %d %+v", body, status, e)
		}
	}
}

func TestFaultsAndRequestsOverHTTP(t *testing.T) {
	b := start(t)
	var faults []cloudwatchd.Fault
	if status := b.json("POST", "/_nines/faults", `[{"kind":"throttle","rate":0.5},{"kind":"late","delay":"5m","metric":"m"}]`, &faults); status != 200 || len(faults) != 2 {
		t.Errorf("%d %+v", status, faults)
	}
	if b.json("POST", "/_nines/faults", `{"kind":"internal","times":1}`, &faults); len(faults) != 3 || faults[1].Delay.Duration() != 5*time.Minute {
		t.Errorf("%+v", faults)
	}
	var e struct{ Error string }
	for _, body := range []string{`{"kind":"gremlin"}`, `{"kind":"late"}`, `{"sort":"late"}`, `5`, ``, `[{"kind":"internal"},{"kind":"gremlin"}]`} {
		if status := b.json("POST", "/_nines/faults", body, &e); status != 400 || e.Error == "" {
			t.Errorf("%q: %d %+v", body, status, e)
		}
	}
	if got := b.server.Faults(); len(got) != 3 {
		t.Errorf("a list with a bad fault was taken in part: %+v", got)
	}
	if b.json("DELETE", "/_nines/faults", "", &faults); len(faults) != 0 {
		t.Errorf("%+v", faults)
	}
	b.put(datum("m", noon, 1))
	var log struct {
		Totals   cloudwatchd.Totals
		Requests []cloudwatchd.Entry
	}
	b.json("GET", "/_nines/requests", "", &log)
	if log.Totals.Calls["PutMetricData"] != 1 || len(log.Requests) != 1 || log.Requests[0].Region != "eu-west-1" || log.Requests[0].Protocol != "rpc-v2-cbor" || log.Requests[0].Published != 1 {
		t.Errorf("%+v", log)
	}
	if status := b.json("GET", "/_nines/nothing", "", &e); status != 404 {
		t.Errorf("no such endpoint: %d", status)
	}
}

// Whatever was acknowledged is there after the server was cut off: the files as
// they lay at that moment open as they are. And no two servers share a file.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a ?#%.db")
	cfg := cloudwatchd.Config{Clock: func() time.Time { return noon }, Path: path}
	first, err := cloudwatchd.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, first, func(b *bench) { b.hour("m"); b.put(datum("m", noon.Add(-time.Hour), 9)) })
	killed := filepath.Join(dir, "killed.db")
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(killed+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := cloudwatchd.New(t.Context(), cfg); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a second server on the same file: %v", err)
	}
	if err := first.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for _, path := range []string{killed, path} {
		b := start(t, func(c *cloudwatchd.Config) { c.Path = path })
		r := b.get(window(noon.Add(-time.Hour), noon, ask("a", "m", "Maximum", 60), ask("n", "m", "SampleCount", 3600))).MetricDataResults
		if len(r[0].Values) != 60 || r[0].Values[0] != 9 || r[1].Values[0] != 61 {
			t.Errorf("%s: %d values, first %v, %v samples", path, len(r[0].Values), r[0].Values[0], r[1].Values)
		}
	}
}
