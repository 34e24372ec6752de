package cloudwatch_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/cloudwatch"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// failing is a client whose every request ends with one error.
type failing struct{ err error }

func (f failing) GetMetricData(context.Context, *cw.GetMetricDataInput, ...func(*cw.Options)) (*cw.GetMetricDataOutput, error) {
	return nil, f.err
}

func (f failing) ListMetrics(context.Context, *cw.ListMetricsInput, ...func(*cw.Options)) (*cw.ListMetricsOutput, error) {
	return nil, f.err
}

// sent is how the SDK wraps what happens to a request on its way.
func sent(host string, cause error) error {
	send := &smithyhttp.RequestSendError{Err: &url.Error{Op: "Post", URL: "https://" + host + "/", Err: cause}}
	return &smithy.OperationError{ServiceID: "CloudWatch", OperationName: "GetMetricData", Err: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{}}, Err: send,
	}}
}

// TestErrorsSayWhatToDo: errors as the SDK returns them, wrapped as it wraps
// them, are of the right kind and come with the right advice.
func TestErrorsSayWhatToDo(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/reader"
	operation := func(service, name string, err error) error {
		return &smithy.OperationError{ServiceID: service, OperationName: name, Err: err}
	}
	api := func(code string) error { return &smithy.GenericAPIError{Code: code, Message: "no"} }
	noHost := func(host string) error {
		return sent(host, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}})
	}
	for name, c := range map[string]struct {
		region string
		role   string
		err    error
		kind   fault.Kind
		want   string
	}{
		"a typo in the region": {"eu-wset-1", "", noHost("monitoring.eu-wset-1.amazonaws.com"), fault.Unavailable, `is there a region eu-wset-1? did you mean "eu-west-1"?`},
		"no name server":       {"eu-west-1", "", noHost("monitoring.eu-west-1.amazonaws.com"), fault.Unavailable, "check the network and its name server"},
		"a host of one's own":  {"eu-west-1", "", noHost("cloudwatch.lan"), fault.Unavailable, "there is no host cloudwatch.lan: check AWS_ENDPOINT_URL"},
		"refused":              {"eu-west-1", "", sent("127.0.0.1:1", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), fault.Unavailable, "nothing listens at 127.0.0.1:1"},
		"no answer":            {"eu-west-1", "", sent("10.0.0.1", &net.OpError{Op: "dial", Err: syscall.ETIMEDOUT}), fault.Unavailable, "10.0.0.1 does not answer in time"},
		"a certificate":        {"eu-west-1", "", sent("monitoring.eu-west-1.amazonaws.com", x509.UnknownAuthorityError{}), fault.Unavailable, "is not trusted"},
		"a profile":            {"eu-west-1", "", config.SharedConfigProfileNotExistError{Profile: "prod"}, fault.Denied, `names the profile "prod"`},
		"an SSO sign-in": {
			"eu-west-1", "",
			operation("CloudWatch", "GetMetricData", fmt.Errorf("get identity: get credentials: %w", &ssocreds.InvalidTokenError{})), fault.Denied, "aws sso login",
		},
		"no credentials": {"eu-west-1", "", errors.New("get identity: get credentials: failed to refresh cached credentials, no EC2 IMDS role found"), fault.Denied, "set AWS_PROFILE"},
		"no region":      {"", "", errors.New("failed to resolve service endpoint, endpoint rule error, Invalid Configuration: Missing Region"), fault.Invalid, "set AWS_REGION"},
		"a role": {
			"eu-west-1", role,
			operation("CloudWatch", "GetMetricData", fmt.Errorf("get identity: get credentials: %w", operation("STS", "AssumeRole", api("AccessDenied")))),
			fault.Denied, "allow sts:AssumeRole on " + role,
		},
		"a right":           {"eu-west-1", role, operation("CloudWatch", "GetMetricData", api("AccessDeniedException")), fault.Denied, "allow cloudwatch:GetMetricData"},
		"a region not used": {"me-south-1", "", operation("CloudWatch", "GetMetricData", api("UnrecognizedClientException")), fault.Denied, "not valid in me-south-1"},
		"STS not there":     {"me-south-1", role, operation("STS", "AssumeRole", api("RegionDisabledException")), fault.Denied, "has not enabled me-south-1"},
		"a clock":           {"eu-west-1", "", operation("CloudWatch", "GetMetricData", api("RequestTimeTooSkewed")), fault.Denied, "clock is wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			src := cloudwatch.New(cloudwatch.Options{
				Connect: func(context.Context, string, string, string) (cloudwatch.API, error) { return failing{c.err}, nil },
				Now:     func() time.Time { return clock },
			})
			q := spec("requests", 1)
			q["region"], q["roleArn"] = c.region, c.role
			got, err := src.Fetch(t.Context(), metric.Request{Queries: []metric.Query{{Key: "q", Spec: q}}, Span: slo.Span{From: slo.MinuteOf(clock) - 60, To: slo.MinuteOf(clock)}})
			if err != nil {
				t.Fatal(err)
			}
			if kind := fault.KindOf(got[0].Err); kind != c.kind {
				t.Errorf("%v is of kind %v, want %v", got[0].Err, kind, c.kind)
			}
			if hint := fault.HintOf(got[0].Err); !strings.Contains(hint, c.want) {
				t.Errorf("%v\nhint %q, want %q", got[0].Err, hint, c.want)
			}
		})
	}
}
