package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
)

var _ metric.Examiner = (*Source)(nil)

// patience is how long one question of an examination may take.
const patience = 20 * time.Second

// Skews of a clock. AWS refuses requests that are more than five minutes off.
const (
	skewWarn = time.Minute
	skewFail = 5 * time.Minute
)

// Examine implements metric.Examiner: endpoint, credentials, who they are, roles,
// then for each region the rights, and at last the metrics. It asks for each
// metric's last three hours once, which is billed as any reading is.
func (s *Source) Examine(ctx context.Context, e metric.Examination) []metric.Finding {
	questions, broken := s.understand(e.Queries)
	x := &examiner{s: s, e: e, questions: questions}
	for _, b := range broken {
		x.fault("query", b.Key, b.Err)
	}
	if s.opt.Settings == nil {
		x.say(about{"source", ""}, metric.Unknown, "this source has no settings of the SDK to look at", "")
		return x.findings
	}
	all := places(questions)
	good := x.callers(ctx, all)
	for _, p := range all {
		if cfg, ok := good[p]; ok {
			x.region(ctx, p, cfg)
		}
	}
	x.clock()
	if len(good) > 0 {
		x.say(about{"quotas", ""}, metric.OK, fmt.Sprintf("at most %.0f requests and %.0f datapoints a second are asked for; CloudWatch's defaults are %d and %d, the account's own were not looked up",
			s.opt.Rate, s.opt.DatapointRate, quotaRequests, quotaOld), "")
	}
	return x.findings
}

// examiner is one examination.
type examiner struct {
	s         *Source
	e         metric.Examination
	questions map[string]*question
	findings  []metric.Finding
	skew      time.Duration // the greatest seen, the service's time before ours is negative
	timed     bool
}

// about is what was looked at, and of which.
type about struct{ check, subject string }

func (x *examiner) say(a about, o metric.Outcome, text, do string) {
	x.findings = append(x.findings, metric.Finding{Check: a.check, Subject: a.subject, Outcome: o, Text: text, Do: do})
}

// fault is a failed check with an error's text and hint.
func (x *examiner) fault(check, subject string, err error) {
	x.say(about{check, subject}, metric.Fail, short(err), fault.HintOf(err))
}

// short is an error without the layers that only say how it travelled.
func short(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		text := api.ErrorCode()
		if m := strings.TrimSpace(api.ErrorMessage()); m != "" {
			text += ": " + m
		}
		return text
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err.Error()
	}
	inner := err
	for {
		next := errors.Unwrap(inner)
		if next == nil {
			return inner.Error()
		}
		if _, travelled := errors.AsType[*smithy.OperationError](inner); !travelled {
			if _, ours := errors.AsType[*fault.Error](inner); !ours {
				return inner.Error()
			}
		}
		inner = next
	}
}

// ask calls the service within the examination's patience, reads its clock, and
// explains what goes wrong.
func (x *examiner) ask(ctx context.Context, op string, p place, call func(context.Context) (middleware.Metadata, error)) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	meta, err := call(limited)
	if slices.Contains([]string{"GetMetricData", "ListMetrics", "DescribeAlarms"}, op) {
		x.s.count(1, 0, 0)
	}
	now := x.s.opt.Now()
	if at, ok := awsmiddleware.GetServerTime(meta); ok {
		x.time(at.Sub(now))
	}
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok && response.HTTPResponse() != nil {
		if at, perr := time.Parse(time.RFC1123, response.HTTPResponse().Header.Get("Date")); perr == nil {
			x.time(at.Sub(now))
		}
	}
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return fault.New(fault.Unavailable, op+" in "+p.name(), fmt.Sprintf("no answer within %v", patience),
			"look at network, firewall, proxy (HTTPS_PROXY) and VPC endpoint; AWS_ENDPOINT_URL may name a host that is not there")
	}
	if err != nil {
		return explain(op, p, err)
	}
	return nil
}

func (x *examiner) time(skew time.Duration) {
	x.timed = true
	if skew.Abs() > x.skew.Abs() {
		x.skew = skew
	}
}

// clock compares the machine's clock with the one of the answers, which is
// exact to a second.
func (x *examiner) clock() {
	if !x.timed {
		return
	}
	off := x.skew.Round(time.Second)
	text := fmt.Sprintf("this machine's clock is %v behind the service's", off)
	if off < 0 {
		text = fmt.Sprintf("this machine's clock is %v ahead of the service's", -off)
	}
	const do = "set the clock (chrony or systemd-timesyncd); AWS refuses requests that are more than 5 minutes off"
	switch {
	case off.Abs() > skewFail:
		x.say(about{"clock", ""}, metric.Fail, text, do)
	case off.Abs() > skewWarn:
		x.say(about{"clock", ""}, metric.Warn, text, do)
	default:
		x.say(about{"clock", ""}, metric.OK, fmt.Sprintf("within %v of the service's", max(off.Abs(), time.Second)), "")
	}
}

// callers looks at who would ask, and returns settings for the places that can
// be asked.
func (x *examiner) callers(ctx context.Context, all []place) map[place]aws.Config {
	good := map[place]aws.Config{}
	endpoints := map[string]bool{}
	known := false // who asks was looked at, and may go on
	for _, p := range all {
		cfg, err := x.s.opt.Settings(ctx, p.Region)
		if err != nil {
			x.fault("settings", p.name(), explain("connect", p, err))
			return nil
		}
		if cfg.Region == "" {
			x.say(about{"region", p.name()}, metric.Fail, "no region is set", "write region in the metric source or the data source, or set AWS_REGION")
			continue
		}
		x.endpoint(cfg, endpoints)
		if !known && !x.caller(ctx, place{Region: cfg.Region}, cfg) {
			return nil
		}
		known = true
		if p.Role == "" || x.role(ctx, p, cfg) {
			good[p] = as(cfg, p.Role, p.ExternalID)
		}
	}
	return good
}

// endpoint says it aloud when somebody else than AWS is asked.
func (x *examiner) endpoint(cfg aws.Config, said map[string]bool) {
	cloudwatch := aws.ToString(cw.NewFromConfig(cfg).Options().BaseEndpoint)
	identity := aws.ToString(sts.NewFromConfig(cfg).Options().BaseEndpoint)
	say := func(name, at string) {
		if at == "" || said[name+at] {
			return
		}
		said[name+at] = true
		x.say(about{"endpoint", ""}, metric.Warn, "ENDPOINT OVERRIDE: "+name+" asked at "+at+", not at AWS",
			"intended? else unset AWS_ENDPOINT_URL (and AWS_ENDPOINT_URL_CLOUDWATCH, AWS_ENDPOINT_URL_STS, endpoint_url of the profile)")
	}
	if cloudwatch == identity {
		say("CloudWatch and STS are", cloudwatch)
		return
	}
	say("CloudWatch is", cloudwatch)
	say("STS is", identity)
}

// caller looks at the credentials and whose they are.
func (x *examiner) caller(ctx context.Context, p place, cfg aws.Config) bool {
	var c aws.Credentials
	err := x.ask(ctx, "credentials", p, func(ctx context.Context) (m middleware.Metadata, err error) {
		c, err = cfg.Credentials.Retrieve(ctx)
		return m, err
	})
	if err != nil && fault.HintOf(err) == noCredentials {
		x.say(about{"credentials", ""}, metric.Fail, "none are found: not in the environment, not in a profile, and no role is attached to this machine", noCredentials)
		return false
	}
	if err != nil {
		x.fault("credentials", "", err)
		return false
	}
	if c.CanExpire {
		left := c.Expires.Sub(x.s.opt.Now()).Round(time.Second)
		text := fmt.Sprintf("found in %s; they end in %v, at %s", origin(c), left, c.Expires.UTC().Format("2006-01-02 15:04 MST"))
		switch {
		case left <= 0:
			x.say(about{"credentials", ""}, metric.Fail, fmt.Sprintf("found in %s; they ended %v ago", origin(c), -left), "sign in again")
			return false
		case left < 15*time.Minute:
			x.say(about{"credentials", ""}, metric.Warn, text, "a long run will outlive them, unless they renew themselves")
		default:
			x.say(about{"credentials", ""}, metric.OK, text, "")
		}
	} else {
		text := "found in " + origin(c)
		if c.SessionToken != "" {
			text += "; they are temporary, and do not say until when"
		}
		x.say(about{"credentials", ""}, metric.OK, text, "")
	}
	return x.identity(ctx, p, cfg)
}

// origin says in plain words where credentials were found.
func origin(c aws.Credentials) string {
	for prefix, words := range map[string]string{ //nolint:gosec // names of the SDK, no secrets
		"EnvConfigCredentials": "the environment (AWS_ACCESS_KEY_ID)", "SharedConfigCredentials": "the file",
		"AssumeRoleProvider": "a role of the profile", "WebIdentityCredentials": "a role for a web identity token",
		"SSOProvider": "an SSO sign-in", "LoginProvider": "a sign-in (aws login)", "EC2RoleProvider": "the role of this EC2 instance",
		"CredentialsEndpointProvider": "the role of this container", "ProcessProvider": "a credential process", "StaticCredentials": "the program's own settings",
	} {
		if rest, ok := strings.CutPrefix(c.Source, prefix); ok {
			return words + strings.TrimPrefix(rest, ":")
		}
	}
	return c.Source
}

// identity asks STS whose credentials they are, which needs no right. Where
// something else than AWS answers, not knowing is no fault.
func (x *examiner) identity(ctx context.Context, p place, cfg aws.Config) bool {
	client := sts.NewFromConfig(cfg)
	var out *sts.GetCallerIdentityOutput
	err := x.ask(ctx, "GetCallerIdentity", p, func(ctx context.Context) (middleware.Metadata, error) {
		var err error
		if out, err = client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); err != nil {
			return middleware.Metadata{}, err
		}
		return out.ResultMetadata, nil
	})
	override := aws.ToString(client.Options().BaseEndpoint) != ""
	switch {
	case err == nil:
		x.say(about{"identity", ""}, metric.OK, fmt.Sprintf("account %s, %s", aws.ToString(out.Account), aws.ToString(out.Arn)), "")
		return true
	case override && fault.KindOf(err) == fault.Unavailable && answered(err):
		x.say(about{"identity", ""}, metric.Unknown, "what answers in AWS's place does not say whose the credentials are ("+short(err)+")", "")
		return true
	}
	x.fault("identity", p.name(), err)
	// The credentials may be good for CloudWatch all the same: STS may be out of
	// reach behind a firewall that has an endpoint for CloudWatch alone.
	return fault.KindOf(err) != fault.Denied && !override
}

// answered says whether an error is an answer, and not the lack of one.
func answered(err error) bool {
	r, ok := errors.AsType[*awshttp.ResponseError](err)
	return ok && r.HTTPStatusCode() > 0
}

// role takes the role of a place.
func (x *examiner) role(ctx context.Context, p place, cfg aws.Config) bool {
	if slices.ContainsFunc(x.findings, func(f metric.Finding) bool {
		return f.Check == assumeRole && f.Subject == p.Role && f.Outcome == metric.Fail
	}) {
		return false // in another region already
	}
	err := x.ask(ctx, "AssumeRole", p, func(ctx context.Context) (m middleware.Metadata, err error) {
		_, err = as(cfg, p.Role, p.ExternalID).Credentials.Retrieve(ctx)
		return m, err
	})
	if err != nil {
		x.fault(assumeRole, p.Role, err)
		return false
	}
	if !slices.ContainsFunc(x.findings, func(f metric.Finding) bool { return f.Check == assumeRole && f.Subject == p.Role }) {
		x.say(about{assumeRole, p.Role}, metric.OK, "the role can be taken", "")
	}
	return true
}
