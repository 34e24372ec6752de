package log_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"gitlab.com/nines-sre/nines/telemetry/log"
)

func TestCorrelationFrom(t *testing.T) {
	const trace = "Root=1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810"
	for name, c := range map[string]struct {
		event string
		at    []log.Place
		want  string
	}{
		"API Gateway":                  {`{"resource":"/","headers":{"x-amzn-trace-id":"h"},"requestContext":{"stage":"p","requestId":"c-1","identity":{"requestId":"no"}},"body":"{\"id\":1}"}`, nil, "c-1"},
		"AppSync's resolver":           {`{"arguments":{"id":"no"},"request":{"domainName":null,"headers":{"host":"x","x-amzn-trace-id":"` + trace + `"}}}`, nil, trace},
		"a load balancer":              {`{"requestContext":{"elb":{"targetGroupArn":"arn"}},"headers":{"accept":"*","X-Amzn-Trace-Id":"` + trace + `"}}`, nil, trace},
		"a load balancer, many values": {`{"requestContext":{"elb":{}},"multiValueHeaders":{"x-amzn-trace-id":["` + trace + `","second"]}}`, nil, trace},
		"EventBridge":                  {`{"version":"0","id":"e-1","detail-type":"t","detail":{"id":"no"}}`, nil, "e-1"},
		"an id that is nobody's":       {`{"id":"order-1"}`, nil, ""},
		"an id that was asked for":     {`{"id":"order-1"}`, []log.Place{log.PlaceEventBridge}, "order-1"},
		"S3 Object Lambda":             {`{"xAmzRequestId":"s-1","getObjectContext":{}}`, nil, "s-1"},
		"one place only":               {`{"requestContext":{"requestId":"c-1"},"headers":{"x-amzn-trace-id":"h"}}`, []log.Place{log.PlaceLoadBalancer}, "h"},
		"in the order asked":           {`{"requestContext":{"requestId":"c-1"},"headers":{"x-amzn-trace-id":"h"}}`, []log.Place{log.PlaceAppSync, log.PlaceLoadBalancer, log.PlaceRequest}, "h"},
		"no such place":                {`{"requestContext":{"requestId":"c-1"}}`, []log.Place{0, 99}, ""},
		"escapes":                      {`{"requestContext":{"requestId":"a\"\u00e9\\"}}`, nil, `a"é\`},
		"white space":                  {" {\n\t\"requestContext\" : { \"requestId\" : \"c-1\" } } ", nil, "c-1"},
		"other kinds of values":        {`{"requestContext":[{"requestId":"c"}],"headers":null,"request":7,"xAmzRequestId":{"a":[]}}`, nil, ""},
		"a number is no id":            {`{"requestContext":{"requestId":7}}`, nil, ""},
		"broken behind it":             {`{"requestContext":{"requestId":"c-1"},"body":`, nil, "c-1"},
		"broken before it":             {`{"body":"}},"requestContext":{"requestId":"c-1"}}`, nil, ""},
		"longer than an id":            {`{"requestContext":{"requestId":"` + strings.Repeat("x", 1025) + `"}}`, nil, ""},
		"no object":                    {`["requestContext"]`, nil, ""},
		"nothing":                      {``, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := log.CorrelationFrom([]byte(c.event), c.at...); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

type order struct{ id string }

func (o order) CorrelationID() string { return o.id }

func TestCorrelationOf(t *testing.T) {
	request := events.APIGatewayProxyRequest{RequestContext: events.APIGatewayProxyRequestContext{RequestID: "c"}}
	http := events.APIGatewayV2HTTPRequest{RequestContext: events.APIGatewayV2HTTPRequestContext{RequestID: "c"}}
	url := events.LambdaFunctionURLRequest{RequestContext: events.LambdaFunctionURLRequestContext{RequestID: "c"}}
	socket := events.APIGatewayWebsocketProxyRequest{RequestContext: events.APIGatewayWebsocketProxyRequestContext{RequestID: "c"}}
	authorizer := events.APIGatewayCustomAuthorizerRequestTypeRequest{RequestContext: events.APIGatewayCustomAuthorizerRequestTypeRequestContext{RequestID: "c"}}
	appsync := events.AppSyncLambdaAuthorizerRequest{RequestContext: events.AppSyncLambdaAuthorizerRequestContext{RequestID: "c"}}
	alb := events.ALBTargetGroupRequest{Headers: map[string]string{"X-Amzn-Trace-Id": "c"}}
	many := events.ALBTargetGroupRequest{MultiValueHeaders: map[string][]string{"x-amzn-trace-id": {"c", "d"}}}
	bridge, object := events.EventBridgeEvent{ID: "c"}, events.S3ObjectLambdaEvent{XAmzRequestID: "c"}
	for _, event := range []any{
		request, &request, http, &http, url, &url, socket, &socket, authorizer, &authorizer, appsync, &appsync, alb, &alb, many, bridge, &bridge, object, &object, order{"c"},
	} {
		if got := log.CorrelationOf(event); got != "c" {
			t.Errorf("%T: %q", event, got)
		}
	}
	for _, event := range []any{
		nil, 1, "c",
		struct{ ID string }{"c"},
		events.ALBTargetGroupRequest{},
		(*events.APIGatewayProxyRequest)(nil), (*events.ALBTargetGroupRequest)(nil),
		(*events.EventBridgeEvent)(nil),
		events.SQSEvent{},
	} {
		if got := log.CorrelationOf(event); got != "" {
			t.Errorf("%T: %q", event, got)
		}
	}
}

// FuzzCorrelation compares with encoding/json on what is JSON, and asks of all
// other bytes only that nothing happens.
func FuzzCorrelation(f *testing.F) {
	for _, seed := range []string{
		`{"requestContext":{"requestId":"c-1"}}`, `{"request":{"headers":{"x-amzn-trace-id":"h"}}}`, `{"id":"e","detail-type":""}`, `{"xAmzRequestId":"s"}`,
		`{"headers":{"x-amzn-trace-id":["a"]}}`, `{"a":[{"b":"}]\""},[],{}],"id":"x"}`, `{"requestContext":{"requestId":"\ud83c\udf63\u0000"}}`, `{`, `{"a`, `{"a":`, `{"a":"\`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		got := log.CorrelationFrom(event)
		for p := range log.Place(8) {
			log.CorrelationFrom(event, p)
		}
		var want struct {
			RequestContext json.RawMessage `json:"requestContext"`
		}
		// encoding/json takes keys in any case and the last of equal ones; so does
		// this comparison only where a key comes once.
		if !json.Valid(event) || strings.Count(strings.ToLower(string(event)), "requestcontext") != 1 || strings.Count(strings.ToLower(string(event)), "requestid") != 1 ||
			json.Unmarshal(event, &want) != nil || !strings.Contains(string(event), `"requestContext"`) || !strings.Contains(string(event), `"requestId"`) {
			return
		}
		var inner struct {
			RequestID string `json:"requestId"`
		}
		if json.Unmarshal(want.RequestContext, &inner) != nil || inner.RequestID == "" || len(inner.RequestID) > 100 {
			return
		}
		if got != inner.RequestID {
			t.Errorf("%q, want %q in %q", got, inner.RequestID, event)
		}
	})
}

func TestCorrelationAllocatesOnlyTheID(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates")
	}
	event := []byte(`{"headers":{"a":"b"},"body":"` + strings.Repeat("x", 10_000) + `","requestContext":{"stage":"p","requestId":"c-1"}}`)
	if n := testing.AllocsPerRun(100, func() { log.CorrelationFrom(event) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}
