package defects_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/telemetry/internal/oracle"
	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
	"gitlab.com/nines-sre/nines/telemetry/log"
)

// logDifferences are the values of keys that are not those of the official
// library, each with the reason, and what ours is instead. Other keys have equal
// values. A difference that no case shows fails the test, so that the list says
// what is.
var logDifferences = map[string]struct {
	why  string
	same func(theirs, ours any) bool
}{
	"function_memory_size": {
		"theirs has the type that Node's context has, a text; a number can be compared in a query",
		func(theirs, ours any) bool { return theirs == fmt.Sprint(ours) },
	},
	"level": {
		"Lambda knows no CRITICAL and would take it for INFO; FATAL is its word (WithCritical writes theirs)",
		func(theirs, ours any) bool { return theirs == "CRITICAL" && ours == "FATAL" },
	},
	"error": {
		"an error of Go has a type, wraps others and has no stack: name is the type, chain is what is wrapped",
		sameError,
	},
	"reason": {"the same object under another key", sameError},
}

// recordDifferences are records that differ as a whole.
var recordDifferences = map[string]string{
	"empty message": "theirs leaves the key out; slog's contract is a message in each record",
	"reserved keys": "theirs drops a reserved key, with a warning; ours keeps the value under another name, as nothing may get lost",
}

// orderDifferences are cases whose keys stand in another order.
var orderDifferences = map[string]string{
	"persistent keys": "a key that is given again stands, in ours, where it was given last; theirs keeps its first place",
}

// sameError compares what both say about an error.
func sameError(theirs, ours any) bool {
	t, _ := theirs.(map[string]any)
	o, _ := ours.(map[string]any)
	if t == nil || o == nil || t["message"] != o["message"] || o["name"] == nil {
		return false
	}
	cause, _ := t["cause"].(map[string]any)
	chain, _ := o["chain"].([]any)
	if cause == nil {
		return len(chain) == 0
	}
	wrapped, _ := chain[0].(map[string]any)
	return len(chain) == 1 && wrapped["message"] == cause["message"]
}

// TestLogBesidePowertools makes the same calls on the official TypeScript library
// and on ours, and compares their records key by key: the same records, the same
// keys in the same order, the same values, except what is listed above.
func TestLogBesidePowertools(t *testing.T) {
	t.Parallel()
	cases := oracle.LoggerCases(t)
	seen := map[string]bool{}
	for i, theirs := range oracle.Powertools(t, cases...) {
		c := cases[i]
		if theirs.Threw != "" {
			t.Fatalf("%s: the official library threw %s", c.Name, theirs.Threw)
		}
		ours := logLike(t, c)
		if _, differs := recordDifferences[c.Name]; differs {
			if bytes.Equal(bytes.Join(ours, nil), bytes.Join(theirs.Records, nil)) {
				t.Errorf("%s is listed as different and is not: %s", c.Name, ours)
			}
			continue
		}
		if len(ours) != len(theirs.Records) {
			t.Errorf("%s: %d records, theirs %d:\n%s\n%s", c.Name, len(ours), len(theirs.Records), bytes.Join(ours, []byte("\n")), bytes.Join(theirs.Records, []byte("\n")))
			continue
		}
		for j := range ours {
			compareRecord(t, c.Name, theirs.Records[j], ours[j], seen)
		}
	}
	for _, key := range slices.Concat(slices.Collect(maps.Keys(logDifferences)), slices.Collect(maps.Keys(orderDifferences))) {
		if !seen[key] {
			t.Errorf("no case shows the difference of %q", key)
		}
	}
}

// compareRecord compares two lines and notes which differences it met.
func compareRecord(t *testing.T, name string, theirs, ours []byte, seen map[string]bool) {
	t.Helper()
	tk, tv := keysAndValues(t, theirs)
	ok, ov := keysAndValues(t, ours)
	if _, differs := orderDifferences[name]; differs {
		seen[name] = seen[name] || !slices.Equal(tk, ok)
		slices.Sort(tk)
		slices.Sort(ok)
	}
	if diff := cmp.Diff(tk, ok); diff != "" {
		t.Errorf("%s: keys (-theirs +ours):\n%s\n%s\n%s", name, diff, theirs, ours)
		return
	}
	for _, key := range tk {
		if cmp.Equal(tv[key], ov[key]) {
			continue
		}
		d, listed := logDifferences[key]
		if !listed || !d.same(tv[key], ov[key]) {
			t.Errorf("%s: %s is %v, theirs %v:\n%s\n%s", name, key, ov[key], tv[key], theirs, ours)
		}
		seen[key] = true
	}
}

func keysAndValues(t *testing.T, line []byte) (keys []string, values map[string]any) {
	t.Helper()
	values = map[string]any{}
	for _, f := range oracle.Fields(t, line) {
		var v any
		if err := json.Unmarshal(f.Value, &v); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, f.Key)
		values[f.Key] = v
	}
	return keys, values
}

// caller makes a case's calls on our logger.
type caller struct {
	t    *testing.T
	c    oracle.Case
	base context.Context
	inv  *scope.Invocation
	cold bool
	log  *slog.Logger
	h    *log.Handler
	temp []slog.Attr
}

// logLike returns the records that our logger writes for a case.
func logLike(t *testing.T, c oracle.Case) [][]byte {
	t.Helper()
	var out bytes.Buffer
	opts := []log.Option{
		log.WithWriter(&out), log.WithClock(c.Time),
		log.WithEnvironment(func(k string) string { return c.Env[k] }),
	}
	if c.Options.ServiceName != "" {
		opts = append(opts, log.WithService(c.Options.ServiceName))
	}
	if c.Options.LogLevel != "" {
		opts = append(opts, log.WithLevel(levelOf(c.Options.LogLevel)))
	}
	if c.Options.LogBuffer != nil {
		// Theirs holds debug records whatever the level; ours holds what is below it.
		opts = append(opts, log.WithBuffer(0), log.WithLevel(slog.LevelInfo))
	}
	h := log.New(opts...)
	k := &caller{t: t, c: c, base: t.Context(), cold: c.Env["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand", h: h, log: slog.New(h)}
	k.log = slog.New(h.WithAttrs(attrsOf(t, rawKeys(t, c.Options.PersistentKeys))))
	if c.Env["_X_AMZN_TRACE_ID"] != "" {
		k.begin(nil)
	}
	for _, s := range c.Steps {
		k.step(s)
	}
	if k.inv != nil {
		k.inv.End()
	}
	return slices.Collect(bytes.Lines(out.Bytes()))
}

// begin begins an invocation, as telemetry.Wrap does.
func (k *caller) begin(ctx *oracle.Context) {
	if k.inv != nil {
		k.inv.End()
	}
	s := scope.Start{At: k.c.Time(), Concurrent: true}
	if root, ok := strings.CutPrefix(k.c.Env["_X_AMZN_TRACE_ID"], "Root="); ok {
		s.TraceID, _, _ = strings.Cut(root, ";")
	}
	if ctx != nil {
		memory, err := strconv.Atoi(ctx.Memory)
		if err != nil {
			k.t.Fatal(err)
		}
		s.RequestID, s.Tenant = ctx.RequestID, ctx.TenantID
		s.Function = &scope.Function{ARN: ctx.ARN, Name: ctx.FunctionName, Memory: memory, Cold: k.cold}
		k.cold = false
	}
	k.base, k.inv = scope.Begin(k.t.Context(), s)
}

func (k *caller) step(s oracle.Step) {
	k.t.Helper()
	switch s.Do {
	case "context":
		k.begin(s.Context)
	case "append":
		k.temp = append(k.temp, attrsOf(k.t, s.Keys)...)
	case "remove":
		k.temp = slices.DeleteFunc(k.temp, func(a slog.Attr) bool { return slices.Contains(s.Names, a.Key) })
	case "reset":
		k.temp = nil
	case "persist":
		k.log = slog.New(k.log.Handler().WithAttrs(attrsOf(k.t, s.Keys)))
	case "correlation":
		id := s.ID
		if s.Path != "" {
			id = log.CorrelationFrom(s.Event, placeOf(k.t, s.Path))
		}
		if !log.SetCorrelation(k.base, id) {
			k.temp = append(k.temp, slog.String("correlation_id", id))
		}
	case "log":
		attrs := attrsOf(k.t, s.Keys)
		if s.Error != nil {
			attrs = append(attrs, log.Err(errorOf(s.Error)))
		}
		k.log.LogAttrs(log.With(k.base, k.temp...), levelOf(s.Level), s.Message, attrs...)
	default:
		k.t.Fatalf("%s: no such step: %s", k.c.Name, s.Do)
	}
}

func placeOf(t *testing.T, path string) log.Place {
	t.Helper()
	place, ok := map[string]log.Place{
		"requestContext.requestId": log.PlaceRequest, `request.headers."x-amzn-trace-id"`: log.PlaceAppSync,
		`headers."x-amzn-trace-id"`: log.PlaceLoadBalancer, "id": log.PlaceEventBridge, "xAmzRequestId": log.PlaceObjectLambda,
	}[path]
	if !ok {
		t.Fatalf("no place for %s", path)
	}
	return place
}

func levelOf(name string) slog.Level {
	return map[string]slog.Level{
		"TRACE": log.LevelTrace, "DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo, "WARN": slog.LevelWarn, "ERROR": slog.LevelError, "CRITICAL": log.LevelFatal,
	}[strings.ToUpper(name)]
}

func rawKeys(t *testing.T, keys map[string]any) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// attrsOf turns the keys of a step into what a Go program would pass.
func attrsOf(t *testing.T, keys json.RawMessage) []slog.Attr {
	t.Helper()
	if len(keys) == 0 || string(keys) == "null" {
		return nil
	}
	var out []slog.Attr
	for _, f := range oracle.Fields(t, keys) {
		var v any
		if err := json.Unmarshal(f.Value, &v); err != nil {
			t.Fatal(err)
		}
		switch v := v.(type) {
		case float64:
			if n := int64(v); float64(n) == v {
				out = append(out, slog.Int64(f.Key, n))
			} else {
				out = append(out, slog.Float64(f.Key, v))
			}
		case map[string]any:
			if len(v) == 1 && slices.Collect(maps.Keys(v))[0] == "error" {
				var e struct{ Error oracle.Failure }
				if err := json.Unmarshal(f.Value, &e); err != nil {
					t.Fatal(err)
				}
				out = append(out, slog.Any(f.Key, errorOf(&e.Error)))
				continue
			}
			out = append(out, slog.Any(f.Key, v))
		default:
			out = append(out, slog.Any(f.Key, v))
		}
	}
	return out
}

// errorOf is the error of a step, in Go: an error that wraps its cause.
func errorOf(f *oracle.Failure) error {
	if f.Cause == nil {
		return errors.New(f.Message)
	}
	return &wrapping{f.Message, errorOf(f.Cause)}
}

type wrapping struct {
	message string
	cause   error
}

func (w *wrapping) Error() string { return w.message }
func (w *wrapping) Unwrap() error { return w.cause }
