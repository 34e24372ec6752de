package front_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/front"
)

// world is a front with two versions behind it, and the next draw.
type world struct {
	door, admin *httptest.Server
	draw        float64
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{}
	versions := map[string]*url.URL{}
	for _, v := range []string{"1", "2"} {
		s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, v) }))
		t.Cleanup(s.Close)
		at, err := url.Parse(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		versions[v] = at
	}
	f := front.New(versions, "1", func() float64 { return w.draw })
	w.door, w.admin = httptest.NewServer(f), httptest.NewServer(f.Admin())
	t.Cleanup(w.door.Close)
	t.Cleanup(w.admin.Close)
	return w
}

func (w *world) call(t *testing.T, draw float64) string {
	t.Helper()
	w.draw = draw
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.door.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// do is `payment-api split` with an environment.
func (w *world) do(t *testing.T, env ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := front.Do(t.Context(), w.admin.URL, func(name string) string {
		for _, kv := range env {
			if k, v, _ := strings.Cut(kv, "="); k == name {
				return v
			}
		}
		return ""
	}, &out)
	return strings.TrimSpace(out.String()), err
}

func TestFront(t *testing.T) {
	w := newWorld(t)
	if got := w.call(t, 0); got != "1" {
		t.Errorf("without a canary %s answers", got)
	}
	out, err := w.do(t, "NINES_VERB=shift", "NINES_STABLE=1", "NINES_CANARY=2", "NINES_SHARE=0.25", "NINES_FROM_REVISION=0")
	if want := `{"stable":"1","canary":"2","weight":0.25,"revision":"1"}`; err != nil || out != want {
		t.Fatalf("%s, %v; want %s", out, err, want)
	}
	if a, b := w.call(t, 0.24), w.call(t, 0.25); a != "2" || b != "1" {
		t.Errorf("draws beside the weight go to %s and %s", a, b)
	}
	if again, err := w.do(t, "NINES_VERB=read"); err != nil || again != out {
		t.Errorf("it reads %s, %v", again, err)
	}
	if _, err := w.do(t, "NINES_VERB=promote", "NINES_STABLE=2", "NINES_FROM_REVISION=1"); err != nil || w.call(t, 0.99) != "2" {
		t.Errorf("promoted: %v", err)
	}
}

// Whatever is refused changes nothing.
func TestRefused(t *testing.T) {
	for _, env := range [][]string{
		{"NINES_STABLE=1", "NINES_CANARY=2", "NINES_SHARE=0.5", "NINES_FROM_REVISION=7"},
		{"NINES_STABLE=1", "NINES_CANARY=2", "NINES_SHARE=0.5"},
		{"NINES_STABLE=3", "NINES_FROM_REVISION=0"},
		{"NINES_STABLE=1", "NINES_CANARY=3", "NINES_SHARE=0.5", "NINES_FROM_REVISION=0"},
		{"NINES_CANARY=2", "NINES_SHARE=0.5", "NINES_FROM_REVISION=0"},
		{"NINES_STABLE=1", "NINES_CANARY=2", "NINES_SHARE=1.5", "NINES_FROM_REVISION=0"},
		{"NINES_STABLE=1", "NINES_CANARY=2", "NINES_SHARE=many", "NINES_FROM_REVISION=0"},
	} {
		w := newWorld(t)
		if out, err := w.do(t, append(env, "NINES_VERB=shift")...); err == nil {
			t.Errorf("%v: %s", env, out)
		}
		if out, err := w.do(t); err != nil || out != `{"stable":"1","revision":"0"}` {
			t.Errorf("%v leaves %s, %v", env, out, err)
		}
	}
}
