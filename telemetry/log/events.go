package log

import (
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// Correlated is an event that knows its correlation id.
type Correlated interface{ CorrelationID() string }

// CorrelationOf reads the correlation id of an event that was decoded: one of
// aws-lambda-go's, by value or by pointer, or one's own that is [Correlated]. It is
// "" when there is none. It uses no reflection, and a program that does not call it
// does not carry the types.
func CorrelationOf(event any) string {
	if c, ok := event.(Correlated); ok {
		return c.CorrelationID()
	}
	if id, ok := gatewayID(event); ok {
		return id
	}
	switch e := event.(type) {
	case events.AppSyncLambdaAuthorizerRequest:
		return e.RequestContext.RequestID
	case *events.AppSyncLambdaAuthorizerRequest:
		return value(e).RequestContext.RequestID
	case events.ALBTargetGroupRequest:
		return traceOf(e.Headers, e.MultiValueHeaders)
	case *events.ALBTargetGroupRequest:
		return traceOf(value(e).Headers, value(e).MultiValueHeaders)
	case events.EventBridgeEvent:
		return e.ID
	case *events.EventBridgeEvent:
		return value(e).ID
	case events.S3ObjectLambdaEvent:
		return e.XAmzRequestID
	case *events.S3ObjectLambdaEvent:
		return value(e).XAmzRequestID
	default:
		return ""
	}
}

// gatewayID reads events of API Gateway and function URLs.
func gatewayID(event any) (string, bool) {
	switch e := event.(type) {
	case events.APIGatewayProxyRequest:
		return e.RequestContext.RequestID, true
	case *events.APIGatewayProxyRequest:
		return value(e).RequestContext.RequestID, true
	case events.APIGatewayV2HTTPRequest:
		return e.RequestContext.RequestID, true
	case *events.APIGatewayV2HTTPRequest:
		return value(e).RequestContext.RequestID, true
	case events.LambdaFunctionURLRequest:
		return e.RequestContext.RequestID, true
	case *events.LambdaFunctionURLRequest:
		return value(e).RequestContext.RequestID, true
	case events.APIGatewayWebsocketProxyRequest:
		return e.RequestContext.RequestID, true
	case *events.APIGatewayWebsocketProxyRequest:
		return value(e).RequestContext.RequestID, true
	case events.APIGatewayCustomAuthorizerRequestTypeRequest:
		return e.RequestContext.RequestID, true
	case *events.APIGatewayCustomAuthorizerRequestTypeRequest:
		return value(e).RequestContext.RequestID, true
	default:
		return "", false
	}
}

// value is what a pointer points to; a nil one points to an event without an id.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// traceOf finds the header whatever its case.
func traceOf(single map[string]string, multi map[string][]string) string {
	for name, value := range single {
		if strings.EqualFold(name, traceHeader) && value != "" {
			return value
		}
	}
	for name, values := range multi {
		if strings.EqualFold(name, traceHeader) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}
