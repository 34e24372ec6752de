package log_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/telemetry/log"
)

// declined wraps, and knows its place.
type declined struct{ cause error }

func (*declined) Error() string    { return "card declined" }
func (d *declined) Unwrap() error  { return d.cause }
func (*declined) Location() string { return "pay/charge.go:88" }

// traced has a stack and prints it as github.com/pkg/errors does.
type traced struct{ stack string }

func (traced) Error() string { return "traced" }

func (e traced) Format(to fmt.State, verb rune) {
	_, _ = fmt.Fprint(to, "traced")
	if verb == 'v' && to.Flag('+') {
		_, _ = fmt.Fprint(to, e.stack)
	}
}

// called has program counters.
type called struct{ pcs []uintptr }

func (called) Error() string        { return "called" }
func (e called) Callers() []uintptr { return e.pcs }

// wild are errors whose methods cannot be trusted.
type wild struct{ what string }

func (w *wild) Error() string { return w.what }

type loop struct{}

func (loop) Error() string   { return "loop" }
func (l loop) Unwrap() error { return l }

type tree struct{}

func (tree) Error() string     { return "tree" }
func (t tree) Unwrap() []error { return []error{t, t, t} }

type bomb struct{}

func (bomb) Error() string { panic("no") }

func here() uintptr {
	var pcs [1]uintptr
	runtime.Callers(2, pcs[:])
	return pcs[0]
}

var ownLines = regexp.MustCompile(`errors_test\.go:\d+`)

func TestErrors(t *testing.T) {
	base := errors.New("no money")
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"plain": {base, `{"name":"*errors.errorString","message":"no money","location":"log/errors_test.go:LINE"}`},
		"wrapped": {fmt.Errorf("charge: %w", &declined{base}), `{"name":"*log_test.declined","message":"charge: card declined","location":"log/errors_test.go:LINE","chain":[
			{"name":"*log_test.declined","message":"card declined","location":"pay/charge.go:88"},{"name":"*errors.errorString","message":"no money"}]}`},
		"its own place": {&declined{}, `{"name":"*log_test.declined","message":"card declined","location":"pay/charge.go:88"}`},
		"joined": {errors.Join(base, nil, fmt.Errorf("b: %w", fs.ErrNotExist)), `{"name":"*errors.errorString","message":"no money\nb: file does not exist","location":"log/errors_test.go:LINE",
			"joined":[{"name":"*errors.errorString","message":"no money"},{"name":"*errors.errorString","message":"b: file does not exist","chain":[{"name":"*errors.errorString","message":"file does not exist"}]}]}`},
		"joined below": {fmt.Errorf("a: %w", fmt.Errorf("%w and %w", base, &declined{})), `{"name":"*errors.errorString","message":"a: no money and card declined","location":"log/errors_test.go:LINE",
			"chain":[{"name":"*fmt.wrapErrors","message":"no money and card declined"}],
			"joined":[{"name":"*errors.errorString","message":"no money"},{"name":"*log_test.declined","message":"card declined","location":"pay/charge.go:88"}]}`},
		"a stack": {
			traced{"\nexample.org/pay.charge\n\t/src/pay/charge.go:88\nmain.main\n\t/src/main.go:7"},
			`{"name":"log_test.traced","message":"traced","location":"pay/charge.go:88"}`,
		},
		"no stack":             {traced{"\n\tin a.go:x"}, `{"name":"log_test.traced","message":"traced","location":"log/errors_test.go:LINE"}`},
		"program counters":     {called{[]uintptr{here()}}, `{"name":"log_test.called","message":"called","location":"log/errors_test.go:LINE"}`},
		"no program counters":  {called{}, `{"name":"log_test.called","message":"called","location":"log/errors_test.go:LINE"}`},
		"nil inside":           {(*wild)(nil), `"<nil>"`},
		"a panic":              {bomb{}, `"!PANIC in log_test.bomb"`},
		"a panic further down": {fmt.Errorf("x%w", loopless{}), `"!PANIC in *fmt.wrapError"`},
	} {
		t.Run(name, func(t *testing.T) {
			h, out := logger()
			slog.New(h).Info("m", log.Err(c.err), slog.Int("after", 1))
			var m struct{ Error json.RawMessage }
			if err := json.Unmarshal(out.Bytes(), &m); err != nil {
				t.Fatalf("%v in %s", err, out)
			}
			want := strings.ReplaceAll(c.want, "\n\t\t\t", "")
			got := ownLines.ReplaceAllString(string(m.Error), "errors_test.go:LINE")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// loopless panics when it is asked what it wraps.
type loopless struct{}

func (loopless) Error() string { return "" }
func (loopless) Unwrap() error { panic("no") }

func TestErrorsWithoutEnd(t *testing.T) {
	for _, err := range []error{loop{}, tree{}} {
		h, out := logger()
		slog.New(h).Info("m", log.Err(err))
		if out.Len() > 16<<10 || !strings.Contains(out.String(), "more errors") {
			t.Errorf("%d bytes: %.300s", out.Len(), out)
		}
		decode(t, out.Bytes())
	}
}

func TestANilErrorIsNoKey(t *testing.T) {
	h, out := logger()
	slog.New(h).Info("m", log.Err(nil))
	h.Direct().Info(t.Context()).Err(nil).Msg("m")
	if strings.Contains(out.String(), "error") {
		t.Error(out.String())
	}
}

// TestThePlaceIsTheCallers: both paths name the line that logged.
func TestThePlaceIsTheCallers(t *testing.T) {
	h, out := logger(log.WithSource())
	_, _, line, _ := runtime.Caller(0)
	slog.New(h).Info("m", log.Err(errors.New("x")))
	h.Direct().Info(t.Context()).Err(errors.New("x")).Msg("m")
	h.Direct().Info(t.Context()).Msg("m")
	for record := range bytes.Lines(out.Bytes()) {
		line++
		m := decode(t, record)
		want := fmt.Sprintf("log/errors_test.go:%d", line)
		if m["location"] != want {
			t.Errorf("%v, want %s", m["location"], want)
		}
		if e, ok := m["error"].(map[string]any); ok && e["location"] != want {
			t.Errorf("error at %v, want %s", e["location"], want)
		}
	}
}
