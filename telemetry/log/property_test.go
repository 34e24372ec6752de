package log_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
	"gitlab.com/nines-sre/nines/telemetry/log"
)

// object is what a record is to the naive model: a map, with nothing clever.
type object map[string]any

// put sets a key as records do; at the top, five keys are not to be had.
func (o object) put(key string, value any, top bool) {
	key = strings.ToValidUTF8(key, "\ufffd")
	if top && slices.Contains([]string{"level", "message", "timestamp", "service", "sampling_rate"}, key) {
		key = "attr_" + key
	}
	o[key] = value
}

func (o object) add(attrs []slog.Attr, top bool) {
	for _, a := range attrs {
		v := a.Value.Resolve()
		switch {
		case v.Kind() == slog.KindGroup && a.Key == "":
			o.add(v.Group(), top)
		case v.Kind() == slog.KindGroup:
			inner := object{}
			inner.add(v.Group(), false)
			if len(inner) > 0 {
				o.put(a.Key, inner, top)
			}
		case a.Key == "" && v.Equal(slog.Value{}):
		default:
			o.put(a.Key, plain(v.Any()), top)
		}
	}
}

// plain is what a value is once it was JSON.
func plain(v any) any {
	switch x := v.(type) {
	case string:
		return string([]rune(x))
	case int64:
		return float64(x)
	case error:
		return map[string]any{"name": "*errors.errorString", "message": x.Error()}
	default:
		return v
	}
}

// valuer is resolved when the record is written.
type valuer struct{ v slog.Value }

func (v valuer) LogValue() slog.Value { return v.v }

func keys() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{
			"", "a", "b", "ab", "ba", "order_id", "level", "message", "timestamp", "service", "sampling_rate", "attr_level", "location",
			"cold_start", "function_arn", "function_request_id", "xray_trace_id", "tenant_id", "correlation_id", "error", "a\xff", "a\xfe", "é", "\"", "a\nb", "{", "}", ",",
		}),
		rapid.String(),
	)
}

func values(depth int) *rapid.Generator[slog.Value] {
	return rapid.Custom(func(t *rapid.T) slog.Value {
		switch rapid.IntRange(0, 7+min(depth, 1)).Draw(t, "kind") {
		case 0:
			return slog.StringValue("")
		case 1:
			return slog.StringValue(rapid.String().Draw(t, "string") + rapid.SampledFrom([]string{"", "\xff", "\",\"a\":1", "\u2028"}).Draw(t, "more"))
		case 2:
			return slog.AnyValue(nil)
		case 3:
			return slog.Int64Value(int64(rapid.Int32().Draw(t, "int")))
		case 4:
			return slog.BoolValue(rapid.Bool().Draw(t, "bool"))
		case 5:
			return slog.AnyValue(map[string]any{"a": "b", "x": []any{1., "\"{"}})
		case 6:
			return slog.AnyValue(errors.New(rapid.StringMatching("[a-z{}\"]*").Draw(t, "error")))
		case 7:
			return slog.AnyValue(valuer{values(0).Draw(t, "resolved")})
		default:
			return slog.GroupValue(attrs(depth-1).Draw(t, "group")...)
		}
	})
}

func attrs(depth int) *rapid.Generator[[]slog.Attr] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) slog.Attr {
		return slog.Attr{Key: keys().Draw(t, "key"), Value: values(depth).Draw(t, "value")}
	}), 0, 6)
}

// unique fails when an object of the JSON has a key twice.
func unique(t *rapid.T, line []byte) {
	d := json.NewDecoder(bytes.NewReader(line))
	var walk func()
	walk = func() {
		token, err := d.Token()
		if err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		delim, ok := token.(json.Delim)
		if !ok {
			return
		}
		seen := map[string]bool{}
		for d.More() {
			if delim == '{' {
				key, err := d.Token()
				if err != nil || seen[fmt.Sprint(key)] {
					t.Fatalf("%v: %q again in %s", err, key, line)
				}
				seen[fmt.Sprint(key)] = true
			}
			walk()
		}
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
	}
	walk()
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		t.Fatalf("more than one value: %s", line)
	}
}

// TestARecordIsTheNaiveModels: whatever is bound, carried and said, a record is one
// line, one JSON object with unique keys, and says what a map would.
func TestARecordIsTheNaiveModels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var out bytes.Buffer
		ctx, inv := scope.Begin(context.Background(), function())
		defer inv.End()
		want := object{
			"level": "INFO", "timestamp": "2026-11-23T07:00:00.123Z", "service": "checkout", "sampling_rate": 0., "cold_start": true,
			"function_arn": inv.Function.ARN, "function_memory_size": 256., "function_name": "checkout", "function_request_id": "2f1c",
			"xray_trace_id": inv.TraceID, "tenant_id": "acme",
		}
		base := log.New(log.WithWriter(&out), log.WithEnvironment(nowhere), log.WithService("checkout"), log.WithClock(clock))
		var h slog.Handler = base
		// Groups that were opened, each with what was bound in it.
		names, groups := []string{}, []object{want}
		for range rapid.IntRange(0, 4).Draw(t, "binds") {
			if rapid.IntRange(0, 2).Draw(t, "group") == 0 {
				name := keys().Draw(t, "name")
				if h = h.WithGroup(name); name != "" {
					names, groups = append(names, name), append(groups, object{})
				}
				continue
			}
			bound := attrs(2).Draw(t, "bound")
			h = h.WithAttrs(bound)
			groups[len(groups)-1].add(bound, len(groups) == 1)
		}
		carried := attrs(1).Draw(t, "carried")
		ctx = log.With(ctx, carried...)
		want.add(carried, true)
		call := attrs(3).Draw(t, "call")
		groups[len(groups)-1].add(call, len(groups) == 1)
		for i := len(groups) - 1; i > 0; i-- {
			if len(groups[i]) > 0 {
				groups[i-1].put(names[i-1], groups[i], i == 1)
			}
		}
		message := rapid.String().Draw(t, "message")
		maps.DeleteFunc(want, func(_ string, v any) bool { return v == nil || v == "" })
		want["message"] = message

		slog.New(h).LogAttrs(ctx, slog.LevelInfo, message, call...)
		line := bytes.Clone(out.Bytes())
		if bytes.Count(line, []byte("\n")) != 1 || line[len(line)-1] != '\n' {
			t.Fatalf("not one line: %q", line)
		}
		unique(t, line)
		got := decode(t, line)
		if diff := cmp.Diff(normal(want), normal(got)); diff != "" {
			t.Fatalf("%s\n%s", diff, line)
		}

		out.Reset()
		own, _ := h.(*log.Handler)
		event := own.Direct().Info(ctx)
		for _, a := range call {
			event = event.Attr(a)
		}
		event.Msg(message)
		if a, b := place.ReplaceAll(line, nil), out.Bytes(); !bytes.Equal(a, b) {
			t.Fatalf("the paths differ:\n%s%s", a, b)
		}
	})
}

// normal drops where errors were logged.
func normal(m map[string]any) map[string]any {
	for k, v := range m {
		switch x := v.(type) {
		case object:
			m[k] = normal(x)
		case map[string]any:
			if _, ok := x["name"]; ok {
				delete(x, "location")
			}
			m[k] = normal(x)
		}
	}
	return m
}

func TestManyKeys(t *testing.T) {
	h, out := logger()
	var all []slog.Attr
	for i := range 1000 {
		all = append(all, slog.Int(fmt.Sprint("k", i%300), i))
	}
	slog.New(h).LogAttrs(t.Context(), slog.LevelInfo, "m", all...)
	if m := decode(t, out.Bytes()); len(m) != 305 || m["k0"] != 900. || m["k299"] != 899. {
		t.Errorf("%d keys: %v %v", len(m), m["k0"], m["k299"])
	}
}
