package telemetry

import (
	"encoding/json"
	"reflect"

	"gitlab.com/nines-sre/nines/telemetry/log"
)

// bytesOf is an event that the handler takes undecoded.
func bytesOf(event any) (b []byte, ok bool) {
	switch v := event.(type) {
	case []byte:
		return v, true
	case json.RawMessage:
		return v, true
	}
	return nil, false
}

// eventValue is an event as a record shows it: JSON stays JSON.
func eventValue(event any) any {
	if b, ok := bytesOf(event); ok && json.Valid(b) {
		return json.RawMessage(b)
	}
	return event
}

// correlationOf finds the correlation id in the usual places.
func correlationOf(event any) string {
	if b, ok := bytesOf(event); ok {
		return log.CorrelationFrom(b)
	}
	return log.CorrelationOf(event)
}

// routeOf finds what an event asks for, in the events of API Gateway (both
// payload formats), function URLs and load balancers: by the names of their
// fields, so that a type of one's own works too.
//
// The route is the template ("/orders/{id}"), never the path with its values: a
// record is grouped by it.
func routeOf(event any) (method, route string) {
	if b, ok := bytesOf(event); ok {
		return routeOfBytes(b)
	}
	v := structOf(reflect.ValueOf(event))
	if !v.IsValid() {
		return "", ""
	}
	method, route = text(v, "HTTPMethod"), text(v, "Resource")
	if key := text(v, "RouteKey"); key != "" {
		route = key
	}
	if method == "" {
		method = text(structOf(field(structOf(field(v, "RequestContext")), "HTTP")), "Method")
	}
	return method, route
}

func routeOfBytes(b []byte) (method, route string) {
	var e struct {
		HTTPMethod, Resource, RouteKey string
		RequestContext                 struct {
			HTTP struct{ Method string }
		}
	}
	if json.Unmarshal(b, &e) != nil {
		return "", ""
	}
	method, route = e.HTTPMethod, e.Resource
	if e.RouteKey != "" {
		route = e.RouteKey
	}
	if method == "" {
		method = e.RequestContext.HTTP.Method
	}
	return method, route
}

// statusOf is the StatusCode of an answer to an HTTP request; 0: it has none.
func statusOf(out reflect.Value) int {
	f := field(structOf(out), "StatusCode")
	if f.IsValid() && f.CanInt() {
		return int(f.Int())
	}
	return 0
}

// structOf follows pointers and interfaces to a struct; invalid: there is none.
func structOf(v reflect.Value) reflect.Value {
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) {
		v = v.Elem()
	}
	if !v.IsValid() || v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	return v
}

func field(v reflect.Value, name string) reflect.Value {
	if !v.IsValid() {
		return v
	}
	return v.FieldByName(name)
}

func text(v reflect.Value, name string) string {
	if f := field(v, name); f.IsValid() && f.Kind() == reflect.String {
		return f.String()
	}
	return ""
}
