package log

import "bytes"

// Place is where an event carries the id that correlates it with what caused it.
// The five are those that Powertools has built in.
type Place uint8

// The places, in the order in which [CorrelationFrom] looks when not told.
const (
	// PlaceRequest is requestContext.requestId: API Gateway (REST, HTTP and
	// WebSocket), function URLs, AppSync's authorizer.
	PlaceRequest Place = iota + 1
	// PlaceAppSync is request.headers."x-amzn-trace-id": AppSync's resolver.
	PlaceAppSync
	// PlaceLoadBalancer is headers."x-amzn-trace-id": an Application Load Balancer,
	// VPC Lattice.
	PlaceLoadBalancer
	// PlaceEventBridge is id.
	PlaceEventBridge
	// PlaceObjectLambda is xAmzRequestId: S3 Object Lambda.
	PlaceObjectLambda
	places = 6
)

// traceHeader is compared without regard to case: who sends it writes it as he
// likes.
const traceHeader = "x-amzn-trace-id"

// maxCorrelation bounds an id in bytes. Headers come from outside, and an id is
// part of every record; what is longer is none.
const maxCorrelation = 1024

// found are the ids of an event by place.
type found struct {
	ids    [places]string
	detail bool // the event has a detail-type, as EventBridge's have
}

// CorrelationFrom reads the correlation id of an event, as it came: "" when there
// is none, also when the event is no JSON. It looks at one place, or at several, in
// their order; without places at all five, and then a bare id counts only in an
// event of EventBridge.
//
// It goes over the event once, decodes nothing, and stops at the end of the
// outermost object or where it is broken.
func CorrelationFrom(event []byte, at ...Place) string {
	var f found
	f.scan(&cursor{b: event})
	if len(at) == 0 {
		if !f.detail {
			f.ids[PlaceEventBridge] = ""
		}
		at = allPlaces[:]
	}
	for _, p := range at {
		if int(p) < len(f.ids) && f.ids[p] != "" {
			return f.ids[p]
		}
	}
	return ""
}

//nolint:gochecknoglobals // a table
var allPlaces = [...]Place{PlaceRequest, PlaceAppSync, PlaceLoadBalancer, PlaceEventBridge, PlaceObjectLambda}

func (f *found) scan(c *cursor) {
	if !c.take('{') {
		return
	}
	for {
		key, ok := c.next()
		if !ok {
			return
		}
		switch string(key) {
		case "requestContext":
			ok = member(c, "requestId", &f.ids[PlaceRequest])
		case "request":
			ok = f.request(c)
		case "headers", "multiValueHeaders":
			ok = member(c, traceHeader, &f.ids[PlaceLoadBalancer])
		case "id":
			ok = id(c, &f.ids[PlaceEventBridge])
		case "xAmzRequestId":
			ok = id(c, &f.ids[PlaceObjectLambda])
		case "detail-type":
			f.detail = true
			ok = c.skip()
		default:
			ok = c.skip()
		}
		if !ok {
			return
		}
	}
}

// request looks for headers in an object.
func (f *found) request(c *cursor) bool {
	c.space()
	if c.i >= len(c.b) || c.b[c.i] != '{' {
		return c.skip()
	}
	c.i++
	for {
		key, ok := c.next()
		if !ok {
			return c.take('}')
		}
		if string(key) == "headers" {
			ok = member(c, traceHeader, &f.ids[PlaceAppSync])
		} else {
			ok = c.skip()
		}
		if !ok {
			return false
		}
	}
}

// member reads the id under a name in an object; a value that is no object is
// skipped.
func member(c *cursor, name string, to *string) bool {
	c.space()
	if c.i >= len(c.b) || c.b[c.i] != '{' {
		return c.skip()
	}
	c.i++
	for {
		key, ok := c.next()
		if !ok {
			return c.take('}')
		}
		if string(key) == name || name == traceHeader && bytes.EqualFold(key, []byte(traceHeader)) {
			ok = id(c, to)
		} else {
			ok = c.skip()
		}
		if !ok {
			return false
		}
	}
}

// id reads a string, or the first of an array of them; other values are skipped.
func id(c *cursor, to *string) bool {
	raw, ok := c.value()
	if !ok {
		return false
	}
	v := cursor{b: raw}
	v.take('[')
	if text, ok := v.text(); ok && len(text) <= maxCorrelation {
		*to = unescape(text)
	}
	return true
}
