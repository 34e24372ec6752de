package collector

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Span is a span as the Collector passes it on.
type Span struct {
	TraceID, SpanID, ParentID string // hexadecimal, in lower case
	Name                      string
	Kind                      int // OTLP's: 1 internal, 2 server, 3 client, 4 producer, 5 consumer
	Start, End                time.Time
	// Status is OTLP's: 0 unset, 1 ok, 2 error.
	Status        int
	StatusMessage string
	// Attributes are values as string, bool, int64, float64 or []any. Resource and
	// Scope are those of what the span came in.
	Attributes, Resource map[string]any
	Scope                string
	Events               []Event
	Links                []Link
}

// Event is something that happened during a span, an exception for instance.
type Event struct {
	Name       string
	At         time.Time
	Attributes map[string]any
}

// Link is another span that a span belongs to.
type Link struct{ TraceID, SpanID string }

// wire is OTLP's JSON form, as far as a Span has it. Numbers of 64 bits are texts.
type wire struct {
	ResourceSpans []struct {
		Resource struct {
			Attributes members `json:"attributes"`
		} `json:"resource"`
		ScopeSpans []struct {
			Scope struct {
				Name string `json:"name"`
			} `json:"scope"`
			Spans []wireSpan `json:"spans"`
		} `json:"scopeSpans"`
	} `json:"resourceSpans"`
}

type wireSpan struct {
	TraceID      string  `json:"traceId"`
	SpanID       string  `json:"spanId"`
	ParentSpanID string  `json:"parentSpanId"`
	Name         string  `json:"name"`
	Kind         int     `json:"kind"`
	Start        nanos   `json:"startTimeUnixNano"`
	End          nanos   `json:"endTimeUnixNano"`
	Attributes   members `json:"attributes"`
	Events       []struct {
		Name       string  `json:"name"`
		Time       nanos   `json:"timeUnixNano"`
		Attributes members `json:"attributes"`
	} `json:"events"`
	Links []struct {
		TraceID string `json:"traceId"`
		SpanID  string `json:"spanId"`
	} `json:"links"`
	Status struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"status"`
}

// nanos is an instant, a number as a text.
type nanos string

func (n nanos) time() (time.Time, error) {
	v, err := strconv.ParseInt(string(n), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("time %q: %w", string(n), err)
	}
	return time.Unix(0, v).UTC(), nil
}

// decode reads a request for traces in OTLP's JSON form.
func decode(body []byte) ([]Span, error) {
	var w wire
	if err := json.Unmarshal(body, &w); err != nil {
		return nil, fmt.Errorf("no OTLP: %w", err)
	}
	var out []Span
	for _, rs := range w.ResourceSpans {
		resource, err := rs.Resource.Attributes.plain()
		if err != nil {
			return nil, err
		}
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				span, err := s.span()
				if err != nil {
					return nil, fmt.Errorf("span %q: %w", s.Name, err)
				}
				span.Resource, span.Scope = resource, ss.Scope.Name
				out = append(out, span)
			}
		}
	}
	return out, nil
}

func (s wireSpan) span() (out Span, err error) {
	out = Span{
		TraceID: s.TraceID, SpanID: s.SpanID, ParentID: s.ParentSpanID, Name: s.Name, Kind: s.Kind,
		Status: s.Status.Code, StatusMessage: s.Status.Message,
	}
	if out.Start, err = s.Start.time(); err != nil {
		return out, err
	}
	if out.End, err = s.End.time(); err != nil {
		return out, err
	}
	if out.Attributes, err = s.Attributes.plain(); err != nil {
		return out, err
	}
	for _, e := range s.Events {
		event := Event{Name: e.Name}
		if event.At, err = e.Time.time(); err != nil {
			return out, err
		}
		if event.Attributes, err = e.Attributes.plain(); err != nil {
			return out, err
		}
		out.Events = append(out.Events, event)
	}
	for _, l := range s.Links {
		out.Links = append(out.Links, Link{TraceID: l.TraceID, SpanID: l.SpanID})
	}
	return out, nil
}

// plain is the value of an attribute.
func plain(raw json.RawMessage) (any, error) {
	var v struct {
		String *string  `json:"stringValue"`
		Bool   *bool    `json:"boolValue"`
		Int    *string  `json:"intValue"`
		Double *float64 `json:"doubleValue"`
		Array  *struct {
			Values []json.RawMessage `json:"values"`
		} `json:"arrayValue"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, fmt.Errorf("no value: %w", err)
	}
	switch {
	case v.String != nil:
		return *v.String, nil
	case v.Bool != nil:
		return *v.Bool, nil
	case v.Int != nil:
		n, err := strconv.ParseInt(*v.Int, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("integer: %w", err)
		}
		return n, nil
	case v.Double != nil:
		return *v.Double, nil
	case v.Array != nil:
		var list []any
		for _, one := range v.Array.Values {
			p, err := plain(one)
			if err != nil {
				return nil, err
			}
			list = append(list, p)
		}
		return list, nil
	}
	return nil, fmt.Errorf("%s is of a kind that is not read here", raw)
}
