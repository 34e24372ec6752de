package cloudwatch

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/aws/smithy-go"

	"gitlab.com/nines-sre/nines/internal/fault"
)

const slogWarn = slog.LevelWarn

func attrErr(err error) slog.Attr { return slog.String("error", err.Error()) }

// explain classifies an error of the SDK and says what to do about it.
func explain(op string, p place, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(fault.Canceled, op, err, "")
	}
	op = op + " in " + p.name()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		if text := err.Error(); strings.Contains(text, "credentials") || strings.Contains(text, "get identity") {
			return &fault.Error{Op: op, Kind: fault.Denied, Err: err, Hint: "give AWS credentials (environment, profile or role); nines doctor says which are found"}
		}
		if strings.Contains(err.Error(), "region") && p.Region == "" {
			return &fault.Error{Op: op, Kind: fault.Invalid, Err: err, Hint: "set region in the metric source, the data source, or AWS_REGION"}
		}
		return &fault.Error{Op: op, Kind: fault.Unavailable, Err: err, Hint: "check the region's name, the network and AWS_ENDPOINT_URL"}
	}
	kind, hint := classify(api.ErrorCode(), op)
	return &fault.Error{Op: op, Kind: kind, Err: err, Hint: hint}
}

func (p place) name() string {
	name := p.Region
	if name == "" {
		name = "the default region"
	}
	if p.Role != "" {
		name += " as " + p.Role
	}
	return name
}

// classify maps the service's error codes. (CloudWatch API reference, "Common
// errors"; AWS STS.)
func classify(code, op string) (fault.Kind, string) {
	action := "cloudwatch:" + strings.Fields(op)[0]
	switch {
	case strings.Contains(code, "Throttl"), code == "TooManyRequestsException", code == "LimitExceeded", code == "RequestLimitExceeded":
		return fault.Throttled, "lower the data source's rate, or ask AWS for a higher quota"
	case strings.Contains(code, "AccessDenied"), code == "UnauthorizedOperation", code == "OptInRequired":
		return fault.Denied, "allow " + action + " (nines doctor prints the policy)"
	case strings.Contains(code, "ExpiredToken"):
		return fault.Denied, "the credentials have expired: sign in again"
	case code == "RequestTimeTooSkewed", code == "RequestExpired":
		return fault.Denied, "this machine's clock is wrong: set it"
	case code == "UnrecognizedClientException", code == "InvalidClientTokenId", code == "SignatureDoesNotMatch",
		code == "MissingAuthenticationToken", code == "IncompleteSignature", code == "InvalidSignatureException":
		return fault.Denied, "the credentials are not valid here: check them and the region"
	case strings.Contains(code, "Validation"), strings.HasPrefix(code, "InvalidParameter"), strings.HasPrefix(code, "MissingParameter"), code == "InvalidFormat":
		return fault.Invalid, "run nines lint; the query is not one CloudWatch understands"
	case strings.Contains(code, "InternalService"), code == "InternalFailure", code == "ServiceUnavailable", code == "InternalServiceFault", code == "InternalError":
		return fault.Unavailable, "CloudWatch has trouble; the stretch is asked for again at the next run"
	}
	return fault.Unavailable, ""
}
