package cloudwatch

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"syscall"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

const slogWarn = slog.LevelWarn

func attrErr(err error) slog.Attr { return slog.String("error", err.Error()) }

// explain classifies an error of the SDK and says what to do about it.
func explain(op string, p place, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(fault.Canceled, op, err, "")
	}
	if _, done := errors.AsType[*fault.Error](err); done {
		return err
	}
	op += " in " + p.name()
	if _, ok := errors.AsType[*smithy.DeserializationError](err); ok {
		return fault.New(fault.Unavailable, op, "the endpoint's answer is none of this service's", "check AWS_ENDPOINT_URL: it does not speak for "+blame(op, p, err).action)
	}
	var kind fault.Kind
	var hint string
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		kind, hint = classify(api.ErrorCode(), blame(op, p, err))
	} else if kind, hint = unsigned(p, err); hint == "" {
		hint = unreached(p, err)
	}
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

// blamed is the operation that an error is really about: taking a role fails
// inside the request that needed it.
type blamed struct {
	action, resource string // "sts:AssumeRole", the role
	region           string
}

func blame(op string, p place, err error) blamed {
	b := blamed{action: "cloudwatch:" + strings.Fields(op)[0], resource: "*", region: p.name()}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if o, ok := e.(*smithy.OperationError); ok { //nolint:errorlint // each link of the chain is looked at: the innermost operation is meant
			b.action = strings.ReplaceAll(strings.ToLower(o.ServiceID), " ", "-") + ":" + o.OperationName
		}
	}
	if b.action == assumeRole {
		b.resource = p.Role
	}
	return b
}

// noCredentials is what to do when there are none.
const noCredentials = "no AWS credentials are found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is attached" //nolint:gosec // a hint, no secret

// unsigned explains why no request could be signed: no credentials, no profile,
// no region. The hint is "" when it is something else.
func unsigned(p place, err error) (fault.Kind, string) {
	if e, ok := errors.AsType[config.SharedConfigProfileNotExistError](err); ok {
		return fault.Denied, fmt.Sprintf("AWS_PROFILE names the profile %q, which is in none of the SDK's files (~/.aws/config, ~/.aws/credentials)", e.Profile)
	}
	text := err.Error()
	if _, ok := errors.AsType[*ssocreds.InvalidTokenError](err); ok || strings.Contains(text, "refresh cached SSO token") {
		return fault.Denied, "the sign-in has expired: aws sso login (with --profile, if one is used)"
	}
	switch {
	case strings.Contains(text, "Missing Region"), strings.Contains(text, "region") && p.Region == "" && !strings.Contains(text, "dial"):
		return fault.Invalid, "no region is set: write region in the metric source or the data source, or set AWS_REGION"
	case strings.Contains(text, "credentials"), strings.Contains(text, "get identity"):
		return fault.Denied, noCredentials
	}
	return fault.Unavailable, ""
}

// unreached explains why a request had no answer that can be read.
func unreached(p place, err error) string {
	host := "the endpoint"
	if u, ok := errors.AsType[*url.Error](err); ok {
		if parsed, perr := url.Parse(u.URL); perr == nil {
			host = parsed.Host
		}
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return noSuchHost(p, dns.Name)
	}
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, misnamed := errors.AsType[x509.HostnameError](err)
	_, expired := errors.AsType[x509.CertificateInvalidError](err)
	network, isNetwork := errors.AsType[net.Error](err)
	response, answered := errors.AsType[*awshttp.ResponseError](err)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens at " + host + ": check AWS_ENDPOINT_URL, or start what should answer there"
	case unknown || misnamed || expired:
		return "the certificate of " + host + " is not trusted: a proxy stands between, AWS_CA_BUNDLE is missing, or this machine's clock is wrong"
	case isNetwork && network.Timeout():
		return host + " does not answer in time: look at firewall, proxy (HTTPS_PROXY) and VPC endpoint"
	case answered && response.HTTPStatusCode() >= 300:
		return fmt.Sprintf("what answers (status %d) is not CloudWatch: check AWS_ENDPOINT_URL and HTTPS_PROXY", response.HTTPStatusCode())
	}
	return "check the region's name, the network and AWS_ENDPOINT_URL"
}

// noSuchHost explains a name that does not resolve. AWS's names hold the region.
func noSuchHost(p place, host string) string {
	out := "there is no host " + host + ": "
	if !strings.HasSuffix(host, ".amazonaws.com") && !strings.HasSuffix(host, ".amazonaws.com.cn") {
		return out + "check AWS_ENDPOINT_URL and the network"
	}
	for _, known := range regions() {
		if strings.Contains(host, "."+known+".") {
			return out + "check the network and its name server"
		}
	}
	out += "is there a region " + p.Region + "?"
	if near := openslo.Suggest(p.Region, regions()); near != "" {
		out += ` did you mean "` + near + `"?`
	}
	return out
}

// regions are AWS's regions, for guesses at what was meant. (General reference,
// "AWS Regions", 2026.) A region that is not here works as well as any.
func regions() []string {
	return strings.Fields(`af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2
		ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7
		ca-central-1 ca-west-1 cn-north-1 cn-northwest-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2
		eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1
		us-east-1 us-east-2 us-gov-east-1 us-gov-west-1 us-west-1 us-west-2`)
}

// classify maps the service's error codes. (CloudWatch API reference, "Common
// errors"; AWS STS.)
func classify(code string, b blamed) (fault.Kind, string) {
	switch {
	case strings.Contains(code, "Throttl"), code == "TooManyRequestsException", code == "LimitExceeded", code == "RequestLimitExceeded":
		return fault.Throttled, "lower the data source's rate, or ask AWS for a higher quota"
	case strings.Contains(code, "AccessDenied"), code == "UnauthorizedOperation", code == "OptInRequired":
		return fault.Denied, denied(b)
	case strings.Contains(code, "ExpiredToken"):
		return fault.Denied, "the credentials have expired: sign in again"
	case code == "RequestTimeTooSkewed", code == "RequestExpired", code == "RequestInTheFuture":
		return fault.Denied, "this machine's clock is wrong: set it"
	case code == "RegionDisabledException":
		return fault.Denied, "the account has not enabled " + b.region + ", or STS in it"
	case code == "UnrecognizedClientException", code == "InvalidClientTokenId", code == "SignatureDoesNotMatch",
		code == "MissingAuthenticationToken", code == "IncompleteSignature", code == "InvalidSignatureException":
		return fault.Denied, "the credentials are not valid in " + b.region + ": check the key and its secret, and that the account has enabled the region"
	case strings.Contains(code, "Validation"), strings.HasPrefix(code, "InvalidParameter"), strings.HasPrefix(code, "MissingParameter"), code == "InvalidFormat":
		return fault.Invalid, "run nines lint; the query is not one CloudWatch understands"
	case code == "UnsupportedOperation", code == "UnknownOperationException", code == "NotImplemented":
		return fault.Unavailable, "what answers here does not know " + b.action
	case strings.Contains(code, "InternalService"), code == "InternalFailure", code == "ServiceUnavailable", code == "InternalServiceFault", code == "InternalError":
		return fault.Unavailable, "CloudWatch has trouble; the stretch is asked for again at the next run"
	case code == "UnsupportedOperation", code == "UnknownOperationException", code == "NotImplemented":
		return fault.Unavailable, "this endpoint does not answer " + b.action
	}
	return fault.Unavailable, ""
}

func denied(b blamed) string {
	if b.action == assumeRole {
		return "allow " + assumeRole + " on " + b.resource + ", and let that role's trust policy name who asks (nines doctor prints the policy)"
	}
	return "allow " + b.action + " (nines doctor prints the policy)"
}
