package drive_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/run/drive"
	"gitlab.com/nines-sre/nines/internal/run/meter"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// clock is the bubble's.
type clock struct{}

func (clock) Now() time.Time { return time.Now() }

func (clock) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func one(t *testing.T) []drive.Request {
	t.Helper()
	q, err := drive.Parse("q", strings.NewReader(`{"path": "/pay"}`))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func read(t *testing.T, d *drive.Driver, side string, from slo.Minute) meter.Reading {
	t.Helper()
	r, err := d.Read(t.Context(), side, slo.Span{From: from, To: from + 1000})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBothSidesGetTheSameLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, err := drive.New(drive.Options{
			Rate: 2, Requests: one(t), Sides: []string{"a", "b"}, Clock: clock{}, Latency: true,
			Send: func(ctx context.Context, side string, _ drive.Request) bool {
				if side == "b" {
					time.Sleep(3 * time.Second) // a slow version gets no less load
				}
				return side == "a" && ctx.Err() == nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		begin := slo.MinuteOf(time.Now())
		for range 5 {
			if err := d.Sleep(t.Context(), time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		a, b := read(t, d, "a", begin), read(t, d, "b", begin)
		if len(a.Lines) != 2 || len(a.Lines[0].Minutes) != 5 || len(b.Lines[0].Minutes) != 5 {
			t.Fatalf("%+v, %+v", a, b)
		}
		for i := range a.Lines[0].Minutes {
			x, y := a.Lines[0].Minutes[i], b.Lines[0].Minutes[i]
			if x.Total != 120 || y.Total != 120 || x.Bad != 0 || y.Bad != 120 {
				t.Errorf("minute %d: %+v beside %+v", i, x, y)
			}
			if slow := b.Lines[1].Minutes[i].Buckets; slow[len(slow)-2] != 120 {
				t.Errorf("minute %d: %v", i, slow)
			}
		}
	})
}

func TestMoreThanMayBeUnderWayIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var under, peak atomic.Int64
		d, _ := drive.New(drive.Options{
			Rate: 10, Requests: one(t), Sides: []string{"a", "b"}, Clock: clock{}, Most: 8, Limit: 20 * time.Second,
			Send: func(ctx context.Context, _ string, _ drive.Request) bool {
				if n := under.Add(1); n > peak.Load() {
					peak.Store(n)
				}
				<-ctx.Done()
				under.Add(-1)
				return false
			},
		})
		begin := slo.MinuteOf(time.Now())
		if err := d.Sleep(t.Context(), 2*time.Minute); err != nil {
			t.Fatal(err)
		}
		if r := read(t, d, "a", begin); len(r.Notes) != 1 || peak.Load() > 8 {
			t.Errorf("%d at once, %v", peak.Load(), r.Notes)
		}
	})
}

func TestWaitingEndsWithTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := drive.New(drive.Options{Rate: 1, Requests: one(t), Sides: []string{"a"}, Clock: clock{}, Send: func(context.Context, string, drive.Request) bool { return true }})
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(90*time.Second, stop)
		if err := d.Sleep(ctx, time.Hour); err == nil {
			t.Error("it went on")
		}
	})
}

func TestAddresses(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" || r.Header.Get("X-Key") != "k" || r.Method != http.MethodPost {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer s.Close()
	send := drive.HTTP(s.Client())
	q := drive.Request{Method: "POST", Path: "/good", Headers: map[string]string{"x-key": "k"}, Body: "{}"}
	if !send(t.Context(), s.URL+"/", q) {
		t.Error("a good answer was taken for a bad one")
	}
	q.Path = "/bad"
	if send(t.Context(), s.URL, q) || send(t.Context(), "http://127.0.0.1:1", q) {
		t.Error("a bad answer was taken for a good one")
	}
}

func TestFunctions(t *testing.T) {
	var got string
	send := drive.Functions(func(_ context.Context, _ string, event []byte) ([]byte, bool, error) {
		got = string(event)
		return []byte(`{"statusCode": 503}`), false, nil
	})
	if send(t.Context(), "f", drive.Request{Method: "POST", Path: "/pay?x=1", Body: "b"}) || !strings.Contains(got, `"rawPath":"/pay"`) {
		t.Errorf("%s", got)
	}
}

func TestRequestsThatAreNone(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "{", `{"pth": "/x"}`, `{"path": "x"}`, `{"path": "//evil"}`, `{"method": "A B"}`, `{"headers": {"a\nb": "c"}}`, `{} {}`, "[]"} {
		if _, err := drive.Parse("q", strings.NewReader(text)); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("{\"method\": \"POST\", \"path\": \"/a?b=c\", \"headers\": {\"a\": \"b\"}, \"body\": \"x\"}\n\n# c\n{}")
	f.Add(`{"event": {"a": 1}}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := drive.Parse("q", strings.NewReader(text))
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("%v", err)
			}
			return
		}
		for _, q := range got {
			if q.Path == "" || q.Path[0] != '/' || q.Method == "" {
				t.Errorf("%+v", q)
			}
		}
	})
}
