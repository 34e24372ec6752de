package notify

import (
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Kind is a kind of target.
type Kind string

// The kinds.
const (
	Webhook      Kind = "webhook"
	Slack        Kind = "slack"
	SNS          Kind = "sns"
	GitLabIssue  Kind = "gitlab-issue"
	GitLabAlert  Kind = "gitlab-alert"
	PagerDuty    Kind = "pagerduty"
	Alertmanager Kind = "alertmanager"
	EventBridge  Kind = "eventbridge"
	Email        Kind = "email"
)

// Kinds are all of them, in the order in which documents list them.
func Kinds() []Kind {
	return []Kind{Webhook, Slack, SNS, GitLabIssue, GitLabAlert, PagerDuty, Alertmanager, EventBridge, Email}
}

// Address is a target as documents write it, read. It holds no secret until a
// host has looked one up.
type Address struct {
	Kind Kind
	// Value is a web address, the name of a topic or a bus (ARN), or a mail server
	// with who writes to whom.
	Value string
	// Variable names the variable that holds the secret, Parameter the parameter
	// of SSM ("/nines/key?region=R"); at most one of them is set. The secret is the
	// address itself for a webhook and Slack, and a key for the others.
	Variable  string
	Parameter string
	// Key is the secret, once it was looked up, of kinds whose address is none.
	Key string
	Options
}

// Options are what else documents say of a target.
type Options struct {
	// Template is a text/template over a [Message] that makes a webhook's body; "":
	// the message as JSON.
	Template string
	// ContentType is of what that makes; "": application/json.
	ContentType string
	// Header is a further header, "Name: value"; $NAME in it is a variable.
	Header string
	// Critical lets a page be "critical" where a platform acts on that word by
	// itself (GitLab rolls back).
	Critical bool
}

// how lists the ways to write an address.
const how = "write https://..., slack://..., sns:arn:..., eventbridge:arn:..., pagerduty:$NAME, gitlab-alert:https://...#$NAME, " +
	"alertmanager:https://..., smtp://USER@HOST:587?from=A&to=B#$NAME or gitlab-issue; what is secret stands in a variable ($NAME) or in ssm:/PATH"

// Parse reads an address:
//
//	https://example.com/hook                 a webhook
//	slack://hooks.slack.com/services/...     a Slack webhook
//	webhook:SECRET, slack:SECRET             one whose address is a secret
//	sns:arn:aws:sns:REGION:ACCOUNT:NAME      a topic
//	eventbridge:arn:aws:events:R:A:event-bus/NAME  an event bus
//	pagerduty:SECRET                         an integration of PagerDuty
//	pagerduty:https://events.eu.pagerduty.com/v2/enqueue#SECRET
//	gitlab-alert:https://...json#SECRET      an alert endpoint of GitLab
//	alertmanager:https://HOST[/PATH][#SECRET]
//	smtp://[USER@]HOST[:PORT]?from=A&to=B,C[#SECRET], smtps://...
//	gitlab-issue                             an issue in the project
//
// SECRET is $NAME, a variable, or ssm:/PATH[?region=R], a parameter. The error
// is of kind Invalid and does not repeat what may be a secret.
func Parse(s string) (Address, error) {
	scheme, rest, _ := strings.Cut(s, ":")
	bad := fault.New(fault.Invalid, "notify "+clip(scheme), "it is not an address that can be told anything", how)
	if s == string(GitLabIssue) {
		return Address{Kind: GitLabIssue}, nil
	}
	switch kind := Kind(scheme); kind {
	case Webhook, Slack, PagerDuty:
		if a, ok := secret(rest); ok {
			a.Kind = kind
			return a, nil
		}
	case SNS, EventBridge:
		if (kind == SNS && topic().MatchString(rest)) || (kind == EventBridge && bus().MatchString(rest)) {
			return Address{Kind: kind, Value: rest}, nil
		}
		return Address{}, bad
	case GitLabIssue, GitLabAlert, Alertmanager, Email:
	}
	switch scheme {
	case "https":
		return web(Webhook, s, bad)
	case string(Slack):
		return web(Slack, "https:"+rest, bad)
	case string(PagerDuty), string(GitLabAlert):
		return keyed(Kind(scheme), rest, true, bad)
	case string(Alertmanager):
		return keyed(Alertmanager, rest, false, bad)
	case "smtp", "smtps":
		return mailed(s, bad)
	}
	return Address{}, bad
}

func clip(s string) string {
	const most = 20
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// secret reads where a secret is: $NAME or ssm:/PATH.
func secret(s string) (Address, bool) {
	if name, ok := strings.CutPrefix(s, "$"); ok && variable().MatchString(name) {
		return Address{Variable: name}, true
	}
	if path, ok := strings.CutPrefix(s, "ssm:"); ok && parameter().MatchString(path) {
		return Address{Parameter: path}, true
	}
	return Address{}, false
}

func variable() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) }

func parameter() *regexp.Regexp {
	return regexp.MustCompile(`^/[A-Za-z0-9_./-]+(\?region=[a-z0-9-]+)?$`)
}

func topic() *regexp.Regexp {
	return regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$`)
}

func bus() *regexp.Regexp {
	return regexp.MustCompile(`^arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus/[A-Za-z0-9._/-]{1,256}$`)
}

// web checks a web address; nothing is told unencrypted.
func web(kind Kind, address string, bad error) (Address, error) {
	if err := CheckWeb(address); err != nil {
		return Address{}, bad
	}
	return Address{Kind: kind, Value: address}, nil
}

// keyed reads a web address with where its key is behind it.
func keyed(kind Kind, s string, needed bool, bad error) (Address, error) {
	address, ref, has := strings.Cut(s, "#")
	a, ok := secret(ref)
	if has != ok || (needed && !has) || CheckWeb(address) != nil {
		return Address{}, bad
	}
	if u, err := url.Parse(address); err != nil || u.User != nil {
		return Address{}, bad
	}
	a.Kind, a.Value = kind, address
	return a, nil
}

// mailed reads a mail server with who writes to whom.
func mailed(s string, bad error) (Address, error) {
	address, ref, has := strings.Cut(s, "#")
	a, ok := secret(ref)
	u, err := url.Parse(address)
	if has != ok || err != nil || u.Hostname() == "" || (u.Path != "" && u.Path != "/") {
		return Address{}, bad
	}
	if _, inPlain := u.User.Password(); inPlain || (has && u.User.Username() == "") {
		return Address{}, bad
	}
	q := u.Query()
	to, err := mail.ParseAddressList(q.Get("to"))
	if _, ferr := mail.ParseAddress(q.Get("from")); err != nil || ferr != nil || len(to) == 0 || len(q) != 2 {
		return Address{}, bad
	}
	a.Kind, a.Value = Email, address
	return a, nil
}

// CheckWeb says whether something may be sent to an address: https, or this
// very machine.
func CheckWeb(address string) error {
	u, err := url.Parse(address)
	local := err == nil && u.Scheme == "http" && Local(u.Hostname())
	if err != nil || u.Host == "" || (u.Scheme != "https" && !local) {
		return fault.New(fault.Invalid, "notify", "its address is no https address", "")
	}
	return nil
}

// Local says whether a host is this very machine.
func Local(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Resolved is the address with its secret in place.
func (a Address) Resolved(secret string) Address {
	if a.Kind == Webhook || a.Kind == Slack {
		a.Value = secret
	} else {
		a.Key = secret
	}
	return a
}

// Secret says where the secret is, "" where there is none.
func (a Address) Secret() string {
	switch {
	case a.Variable != "":
		return "$" + a.Variable
	case a.Parameter != "":
		return "ssm:" + a.Parameter
	}
	return ""
}

// String names an address without what may be a secret in it.
func (a Address) String() string {
	switch a.Kind {
	case Webhook, Slack, PagerDuty, GitLabAlert, Alertmanager:
		if s := a.Secret(); s != "" && (a.Value == "" || a.Kind == Webhook || a.Kind == Slack) {
			return fmt.Sprintf("%s:%s", a.Kind, s)
		}
		if u, err := url.Parse(a.Value); err == nil && u.Host != "" {
			return fmt.Sprintf("%s at %s", a.Kind, u.Host)
		}
		return string(a.Kind)
	case Email:
		if u, err := url.Parse(a.Value); err == nil {
			return fmt.Sprintf("email to %s", u.Query().Get("to"))
		}
	case SNS, EventBridge, GitLabIssue:
		if a.Value != "" {
			return fmt.Sprintf("%s:%s", a.Kind, a.Value)
		}
	}
	return string(a.Kind)
}
