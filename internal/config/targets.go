package config

import (
	"regexp"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// targetAnnotations is what OpenSLO has no field for about whom an alert tells.
func targetAnnotations() []annotation {
	target := []string{"AlertNotificationTarget"}
	return []annotation{
		{"address", target, "Where it is: an address as notify takes it, as slack:$NAME or sns:arn:...; secrets by $NAME or ssm:/PATH.", addressCheck},
		{"template", target, "A Go text/template over the message that makes a webhook's body.", filledCheck},
		{"content-type", target, "What the template makes; application/json by default.", contentTypeCheck},
		{"header", target, "A further header of a webhook, as \"Authorization: Bearer $NAME\".", headerCheck},
		{"critical", target, "true: a page is critical to GitLab, which may roll back by itself then.", wordCheck([]string{"true", "false"})},
		{"business-hours", target, "When tickets are told, as in Mon-Fri 09:00-17:00 Europe/Berlin; pages are told always.", hoursCheck},
	}
}

func addressCheck(v string) string {
	if _, err := notify.Parse(v); err != nil {
		return "is not an address that can be told anything; " + fault.HintOf(err)
	}
	return ""
}

func filledCheck(v string) string {
	if strings.TrimSpace(v) == "" {
		return "is empty"
	}
	return ""
}

func contentTypeCheck(v string) string {
	if !regexp.MustCompile(`^[a-z]+/[a-z0-9.+-]+(; *charset=[A-Za-z0-9-]+)?$`).MatchString(v) {
		return "is no content type, as text/plain"
	}
	return ""
}

// headerCheck wants "Name: value", and no secret in it.
func headerCheck(v string) string {
	name, value, ok := strings.Cut(v, ":")
	value = strings.TrimSpace(value)
	if !ok || !regexp.MustCompile(`^[A-Za-z0-9-]+$`).MatchString(name) || value == "" || strings.ContainsAny(value, "\r\n") {
		return `is no header: write "Name: value"`
	}
	secret := regexp.MustCompile(`(?i)auth|token|key|secret|cookie|password|signature`).MatchString(name)
	if secret && !regexp.MustCompile(`\$[A-Za-z_{]`).MatchString(value) {
		return "holds what may be a secret: let a variable hold it, as " + name + ": $NAME"
	}
	return ""
}

func hoursCheck(v string) string { _, err := notify.ParseHours(v); return errText(err) }

// kindWords are the words that documents use for a kind of target, and the kinds
// of address they may have.
func kindWords() map[string][]notify.Kind {
	out := map[string][]notify.Kind{
		"gitlab": {notify.GitLabIssue, notify.GitLabAlert}, "mail": {notify.Email}, "smtp": {notify.Email}, "http": {notify.Webhook}, "https": {notify.Webhook},
	}
	for _, k := range notify.Kinds() {
		out[string(k)] = append(out[string(k)], k)
	}
	return out
}

// targetOf reads whom an alert tells: spec.target is an address itself, or a word
// for its kind beside the annotation nines/address.
func (l *loader) targetOf(name string, t *openslo.AlertNotificationTarget) AlertTarget {
	out := AlertTarget{Name: name, Target: t.Target}
	address, err := notify.Parse(t.Target)
	at, has := l.value(&t.Meta, "address")
	_, broken := t.Meta.Annotation(prefix + "address")
	kinds, isWord := kindWords()[strings.ToLower(t.Target)]
	switch {
	case has:
		address, err = notify.Parse(at.Value)
		if isWord && err == nil && !slices.Contains(kinds, address.Kind) {
			l.once(at.Place, "contradicting-target", "let the two say the same", "spec.target says %s and its address is of %s", quoted(t.Target), address.Kind)
		}
	case broken, t.Target == "none": // said already; nobody, on purpose
	case err != nil:
		l.warnOnce(t.Place, "unreachable-target", "write an address here, or beside it as the annotation nines/address: slack:$NAME, pagerduty:$NAME, sns:arn:...",
			"%s does not say where it is: nobody is told", quoted(t.Target))
	}
	if err == nil && address.Kind == notify.Slack && address.Value != "" {
		where := t.Place
		if has {
			where = at.Place
		}
		l.once(where, "secret-in-document", "put the address into a variable and write slack:$NAME, or into a parameter: slack:ssm:/PATH", "the address of a Slack webhook is a secret")
	}
	if err == nil {
		out.Address = address
		l.targetOptions(t, &out)
	}
	return out
}

// targetOptions reads what else is said of a target.
func (l *loader) targetOptions(t *openslo.AlertNotificationTarget, out *AlertTarget) {
	a := &out.Address
	only := func(name string, kind notify.Kind) (string, bool) {
		v, ok := l.value(&t.Meta, name)
		if ok && a.Kind != kind {
			l.once(v.Place, "misplaced-annotation", "it belongs to a target of kind "+string(kind), "annotation %s%s has no effect on %s", prefix, name, a.Kind)
			return "", false
		}
		return v.Value, ok
	}
	a.ContentType, _ = only("content-type", notify.Webhook)
	a.Header, _ = only("header", notify.Webhook)
	if v, ok := only("critical", notify.GitLabAlert); ok {
		a.Critical = v == "true"
	}
	if v, ok := only("template", notify.Webhook); ok {
		a.Template = v
		if _, err := notify.ParseTemplate(v, a.ContentType); err != nil {
			place, _ := t.Meta.Annotation(prefix + "template")
			l.once(place.Place, "invalid-template", fault.HintOf(err), "%v", err)
		}
	}
	if v, ok := l.value(&t.Meta, "business-hours"); ok {
		out.Hours = v.Value
	}
}

// warnOnce warns unless the same was said at the same place.
func (l *loader) warnOnce(at fault.Place, rule, hint, format string, args ...any) {
	for _, p := range l.report.Problems {
		if p.Place == at && p.Rule == rule {
			return
		}
	}
	l.report.Warnf(at, rule, hint, format, args...)
}

// resolveTargets checks the targets that no policy names too.
func (l *loader) resolveTargets() {
	for _, name := range sortedKeys(l.targets) {
		l.cat.Targets = append(l.cat.Targets, l.targetOf(name, l.targets[name]))
	}
}
