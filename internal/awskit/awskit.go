// Package awskit is what the adapters of AWS services that keep documents and
// metrics share: how a client is configured, and what an error means.
package awskit

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Config returns the SDK's own configuration (environment, profile, role, the
// endpoint settings AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_SERVICE among them),
// in a region where one is named.
func Config(ctx context.Context, region string) (aws.Config, error) {
	var opts []func(*config.LoadOptions) error
	if region != "" {
		opts = append(opts, config.WithRegion(region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return aws.Config{}, fault.Wrap(fault.Denied, "find AWS credentials", err, "give AWS credentials: environment, profile or role")
	}
	return Steadied(cfg), nil
}

// Explain classifies an error of the SDK and says what to do about it. Op names
// what was done, with the resource; action is the permission it needs, as
// "s3:GetObject". Nil stays nil.
func Explain(op, action string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(fault.Canceled, op, err, "")
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		text := err.Error()
		switch {
		case strings.Contains(text, "credentials"), strings.Contains(text, "get identity"):
			return &fault.Error{Op: op, Kind: fault.Denied, Err: err, Hint: "give AWS credentials: environment, profile or role"}
		case strings.Contains(text, "region"):
			return &fault.Error{Op: op, Kind: fault.Invalid, Err: err, Hint: "set AWS_REGION, or write ?region=REGION behind the address"}
		}
		return &fault.Error{Op: op, Kind: fault.Unavailable, Err: err, Hint: "check the network, the region and AWS_ENDPOINT_URL"}
	}
	kind, hint := classify(api.ErrorCode(), action)
	return &fault.Error{Op: op, Kind: kind, Err: err, Hint: hint}
}

// classify maps error codes of the services. (S3 API reference, "Error
// responses"; SSM and CloudWatch API references, "Common errors"; Lambda's,
// "Errors" of UpdateAlias, UpdateFunctionCode and PublishVersion.)
func classify(code, action string) (fault.Kind, string) {
	switch code {
	case "NoSuchBucket":
		return fault.NotFound, "check the bucket's name"
	case "NoSuchKey", "NotFound", "ParameterNotFound", "ResourceNotFoundException":
		return fault.NotFound, "check the name"
	case "PreconditionFailed", "OperationAborted", "ConditionalRequestConflict":
		return fault.Conflict, "run it again"
	case "PreconditionFailedException":
		return fault.Conflict, "somebody else changed it: look at it, then begin anew"
	case "ResourceConflictException":
		return fault.Conflict, "wait until what is under way on it has ended"
	case "CodeStorageExceededException", "RequestEntityTooLargeException":
		return fault.Full, "remove what is not needed any more, or give it by way of S3"
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException":
		return fault.Invalid, "it is in another region: write ?region=REGION behind the address"
	case "ExpiredToken", "ExpiredTokenException":
		return fault.Denied, "the credentials have expired: sign in again"
	case "RequestTimeTooSkewed", "RequestExpired":
		return fault.Denied, "this machine's clock is wrong: set it"
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSignatureException", "InvalidKeyId":
		return fault.Denied, "the credentials are not valid here: check them and the region"
	}
	switch {
	case strings.Contains(code, "Throttl"), strings.HasPrefix(code, "TooMany"), code == "SlowDown", code == "RequestLimitExceeded":
		return fault.Throttled, "ask less often"
	case strings.Contains(code, "AccessDenied"), code == "UnauthorizedOperation":
		return fault.Denied, "allow " + action
	case strings.HasPrefix(code, "Validation"), strings.HasPrefix(code, "Invalid"), strings.HasPrefix(code, "Missing"):
		return fault.Invalid, ""
	}
	return fault.Unavailable, "AWS has trouble; try again"
}

// Address takes an address apart: what stands behind the scheme and "//" or ":",
// and the region of "?region=REGION", the only parameter there is.
func Address(address string) (rest, region string, err error) {
	_, rest, _ = strings.Cut(address, ":")
	rest, query, _ := strings.Cut(rest, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", "", fault.Wrap(fault.Invalid, address, err, "write ?region=REGION")
	}
	for name, v := range values {
		if name != "region" || v[0] == "" {
			return "", "", fault.New(fault.Invalid, address, "it has no parameter "+name, "write ?region=REGION")
		}
		region = v[0]
	}
	return strings.TrimPrefix(rest, "//"), region, nil
}
