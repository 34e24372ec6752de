// Package awssdk makes a span of every call of the AWS SDK for Go: service,
// operation, region, request id, retries, error code, and the table, queue, topic,
// bucket or function that it is about. X-Ray shows it as a call of that service.
//
//	cfg, err := config.LoadDefaultConfig(ctx)
//	awssdk.Instrument(&cfg.APIOptions, tracer)
//	client := dynamodb.NewFromConfig(cfg)
package awssdk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// Instrument adds the spans of t to every client that is made with these options:
// those of an aws.Config, or of one client. Without a tracer (nil), a call is a
// child of the span in its context, and nothing where there is none: clients that
// are made far from the tracer need not know it.
func Instrument(options *[]func(*middleware.Stack) error, t *trace.Tracer) {
	*options = append(*options, func(stack *middleware.Stack) error {
		if err := stack.Initialize.Add(&call{t}, middleware.After); err != nil {
			return fmt.Errorf("instrument: %w", err)
		}
		// Before the SDK's own, which knows only the environment's header.
		if err := stack.Build.Add(propagate{}, middleware.Before); err != nil {
			return fmt.Errorf("instrument: %w", err)
		}
		return nil
	})
}

// Credentials takes the exporter's credentials from the SDK: a profile, a web
// identity, single sign-on, or whatever else a provider knows.
//
//	trace.XRay(cfg.Region, trace.WithCredentials(awssdk.Credentials(cfg.Credentials)))
func Credentials(p aws.CredentialsProvider) trace.CredentialsFunc {
	return func(ctx context.Context) (trace.Credentials, error) {
		c, err := p.Retrieve(ctx)
		if err != nil {
			return trace.Credentials{}, fmt.Errorf("credentials of the AWS SDK: %w", err)
		}
		out := trace.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
		if c.CanExpire {
			out.Expires = c.Expires
		}
		return out, nil
	}
}

// call is the span of one call, all attempts of it.
type call struct{ tracer *trace.Tracer } // nil: that of the span in the context

// ID names the middleware.
func (*call) ID() string { return "NinesTrace" }

// HandleInitialize starts the span, and ends it with what came back.
func (c *call) HandleInitialize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	service := awsmiddleware.GetServiceID(ctx)
	parent := trace.SpanFrom(ctx)
	start := trace.Start
	if c.tracer != nil {
		start = c.tracer.Start
	}
	inner, span := start(ctx, service, trace.WithKind(trace.Client))
	if !span.Recording() || span == parent {
		return next.HandleInitialize(inner, in) //nolint:wrapcheck // a middleware passes on what it gets
	}
	defer span.End()
	span.SetAttributes(
		slog.String("rpc.system", "aws-api"), slog.String("rpc.service", service),
		slog.String("rpc.method", awsmiddleware.GetOperationName(ctx)), slog.String("aws.region", awsmiddleware.GetRegion(ctx)),
	)
	span.SetAttributes(about(in.Parameters)...)
	out, metadata, err := next.HandleInitialize(inner, in)
	outcome(span, metadata, err)
	return out, metadata, err //nolint:wrapcheck // a middleware passes on what it gets
}

// about is what the call works on, by the names that AWS's operations give it.
func about(params any) []slog.Attr {
	v := reflect.Indirect(reflect.ValueOf(params))
	if v.Kind() != reflect.Struct {
		return nil
	}
	text := func(field string) string {
		if p, ok := value(v, field).(*string); ok && p != nil {
			return *p
		}
		return ""
	}
	var attrs []slog.Attr
	if s := text("TableName"); s != "" {
		attrs = append(attrs, slog.Any("aws.dynamodb.table_names", []string{s}))
	}
	for _, f := range [...][2]string{
		{"QueueUrl", "aws.sqs.queue.url"}, {"TopicArn", "aws.sns.topic.arn"}, {"FunctionName", "aws.lambda.invoked_name"}, {"Bucket", "aws.s3.bucket"},
	} {
		if s := text(f[0]); s != "" {
			attrs = append(attrs, slog.String(f[1], s))
		}
	}
	return attrs
}

func value(v reflect.Value, field string) any {
	f := v.FieldByName(field)
	if !f.IsValid() || !f.CanInterface() {
		return nil
	}
	return f.Interface()
}

// outcome says how the call went.
func outcome(span *trace.Span, m middleware.Metadata, err error) {
	id, _ := awsmiddleware.GetRequestIDMetadata(m)
	status := 0
	if r, ok := awsmiddleware.GetRawResponse(m).(*smithyhttp.Response); ok && r != nil && r.Response != nil {
		status = r.StatusCode
	}
	if failed, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		status = failed.HTTPStatusCode()
	}
	var named interface{ ServiceRequestID() string }
	if id == "" && errors.As(err, &named) {
		id = named.ServiceRequestID()
	}
	if id != "" {
		span.SetAttributes(slog.String("aws.request_id", id))
	}
	if attempts, ok := retry.GetAttemptResults(m); ok && len(attempts.Results) > 0 {
		span.SetAttributes(slog.Int("aws.retries", len(attempts.Results)-1))
	}
	if status != 0 {
		span.SetAttributes(slog.Int("http.response.status_code", status))
	}
	if err == nil {
		return
	}
	code := ""
	var api smithy.APIError
	if errors.As(err, &api) {
		code = api.ErrorCode()
		span.SetAttributes(slog.String("error.type", code))
	}
	span.SetStatus(blame(code, status, api), code)
	span.RecordRemote(err)
}

// blame says whose fault an error is. An answer that never came is the service's.
func blame(code string, status int, err smithy.APIError) trace.Status {
	_, throttled := retry.DefaultThrottleErrorCodes[code]
	switch {
	case throttled || status == http.StatusTooManyRequests:
		return trace.Throttle
	case status >= 400 && status < 500, err != nil && err.ErrorFault() == smithy.FaultClient && status < 500:
		return trace.Error
	default:
		return trace.Fault
	}
}

// propagate sends the header along.
type propagate struct{}

// ID names the middleware.
func (propagate) ID() string { return "NinesTraceHeader" }

// HandleBuild sets the header. It is none of those that are signed.
func (propagate) HandleBuild(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
	if r, ok := in.Request.(*smithyhttp.Request); ok {
		if h, known := trace.FromContext(ctx); known {
			h.Self = ""
			r.Header.Set(trace.HeaderName, h.String())
		}
	}
	return next.HandleBuild(ctx, in) //nolint:wrapcheck // a middleware passes on what it gets
}
