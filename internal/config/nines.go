package config

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// gateDoc and exclusionDoc are documents of ours, checked but not resolved.
type gateDoc struct {
	meta openslo.Meta
	spec *openslo.Node
}

type rolloutDoc struct {
	meta openslo.Meta
	spec *openslo.Node
}

type exclusionDoc struct {
	meta openslo.Meta
	spec *openslo.Node
}

// ninesDocument checks a document of ours and files it by its name.
func (l *loader) ninesDocument(n *openslo.Node) {
	kind := n.Get("kind").Str()
	shape := l.ours.kinds[kind]
	if kind == "" {
		l.report.Errorf(n.Place, "missing-field", "known are "+strings.Join(ninesKinds(), ", "), "document needs the field %q", "kind")
		return
	}
	if shape == nil {
		hint := openslo.DidYouMean(kind, ninesKinds())
		if slices.Contains(openslo.Kinds(), kind) {
			hint = kind + " is a kind of " + openslo.Version
		}
		l.report.Errorf(n.Get("kind").Where(), "unknown-kind", hint, "%s has no kind %q", version, clipText(kind))
		return
	}
	before := l.report.Problems.Errors()
	shape.Check(n, l.report)
	meta := openslo.DecodeMeta(n.Get("metadata"))
	fits := l.report.Problems.Errors() == before
	if kind == "Service" {
		l.annotations(kind, &meta)
		if fits {
			for _, d := range l.expand(n) {
				l.opensloDocument(d)
			}
		}
		return
	}
	if !l.claim(kind, meta.Name, meta.Place) || !fits {
		return
	}
	switch kind {
	case "GatePolicy":
		l.gates = append(l.gates, &gateDoc{meta, n.Get("spec")})
	case "Rollout":
		l.rollouts = append(l.rollouts, &rolloutDoc{meta, n.Get("spec")})
	case "Exclusion":
		l.exclusions = append(l.exclusions, &exclusionDoc{meta, n.Get("spec")})
	case "Settings":
		if l.settings != nil {
			l.report.Errorf(meta.Place, "duplicate-name", "the first is at "+l.settings.Place.String(), "there are two Settings; one holds for everything read together")
			return
		}
		l.settings = n
	case "Tier": // noted when it was read
	}
}

func (l *loader) resolveSettings() {
	n := l.settings
	if n == nil {
		return
	}
	spec := n.Get("spec")
	width, _ := strconv.Atoi(spec.Get("width").Str())
	l.cat.Settings = Settings{
		Store: spec.Get("store").Str(), Zone: spec.Get("zone").Str(), Width: width,
		Explain: spec.Get("explain").True(), Unmapped: spec.Get("unmapped").Str(), Place: n.Place,
	}
	p := spec.Get("publish")
	l.cat.Settings.Publish = Publish{
		To: p.Get("to").Str(), Namespace: p.Get("namespace").Str(), Region: p.Get("region").Str(), Metrics: p.Get("metrics").Strings(),
	}
	a := spec.Get("alerts")
	l.cat.Settings.Alerts = Alerts{Page: a.Get("page").Strings(), Ticket: a.Get("ticket").Strings()}
	l.cat.Settings.Alerts.Hold, _ = slo.ParseLength(a.Get("hold").Str())
	if hours := a.Get("hours"); hours.IsSet() {
		w := l.when(hours, "a stretch of hours")
		l.cat.Settings.Alerts.Hours = Hours{w.cron, w.duration, w.zone}
	}
}

// resolveExclusions lists the exclusions.
func (l *loader) resolveExclusions() {
	for _, d := range l.exclusions {
		out := Exclusion{
			Name: d.meta.Name, Reason: d.spec.Get("reason").Str(), Author: d.spec.Get("author").Str(), Place: d.meta.Place,
		}
		for _, n := range d.spec.Get("services").List() {
			if l.scopeRef(openslo.Ref{Name: n.Str(), Place: n.Place}, true) {
				out.Services = append(out.Services, n.Str())
			}
		}
		w := l.when(d.spec, "an exclusion")
		out.Cron, out.Duration, out.Zone, out.From, out.To = w.cron, w.duration, w.zone, w.from, w.to
		l.cat.Exclusions = append(l.cat.Exclusions, out)
	}
}

// when is a stretch of time, once or again and again.
type when struct {
	cron     string
	duration time.Duration
	zone     string
	from, to time.Time
}

// when reads cron with duration, or from and to.
func (l *loader) when(n *openslo.Node, what string) when {
	w := when{cron: n.Get("cron").Str(), zone: n.Get("zone").Str()}
	loc := time.UTC
	if zone, err := openslo.Zone(w.zone); err == nil {
		loc = zone
	}
	m, _ := slo.ParseLength(n.Get("duration").Str())
	w.duration = m.Duration()
	w.from, _ = parseTime(n.Get("from").Str(), loc)
	w.to, _ = parseTime(n.Get("to").Str(), loc)
	switch {
	case w.cron != "" && w.duration == 0:
		l.report.Errorf(n.KeyPlace("cron"), "missing-field", "write duration: 4h", "%s with cron needs the field %q", what, "duration")
	case w.cron == "" && w.duration != 0:
		l.report.Errorf(n.KeyPlace("duration"), "unused-field", "write to: for the end", "duration belongs to cron")
	case w.cron != "" && n.Get("to").IsSet():
		l.report.Errorf(n.KeyPlace("to"), "unused-field", "leave it out", "to belongs to from")
	case n.Get("from").IsSet() && !n.Get("to").IsSet():
		l.report.Errorf(n.KeyPlace("from"), "missing-field", "write to: for the end", "%s with from needs the field %q", what, "to")
	case n.Get("from").IsSet() && !w.from.Before(w.to):
		l.report.Errorf(n.KeyPlace("to"), "empty-stretch", "", "%s ends at or before its beginning", what)
	}
	return w
}

// resolveGates lists the gate policies. A service has one.
func (l *loader) resolveGates() {
	owners := map[string]fault.Place{}
	for _, d := range l.gates {
		out := GatePolicy{Policy: l.policy(d), Place: d.meta.Place}
		for _, n := range d.spec.Get("services").List() {
			name := n.Str()
			if name != "*" && !l.serviceRef(openslo.Ref{Name: name, Place: n.Place}) {
				continue
			}
			if first, taken := owners[name]; taken {
				l.report.Errorf(n.Place, "two-policies", "the first is at "+first.String(), "service %q has two gate policies", name)
				continue
			}
			owners[name] = n.Place
			out.Services = append(out.Services, name)
		}
		if l.tierServices(&out, owners); len(out.Services) == 0 && !d.spec.Get("services").IsSet() && !l.tiers.names(out.Name) {
			l.report.Errorf(d.spec.Where(), "missing-field", "name services, or let a Tier name the policy as its gatePolicy", "spec needs the field %q", "services")
		}
		l.checkObjectives(d.spec.Get("objectives"), out.Services)
		if err := out.Validate(); err != nil {
			l.report.Errorf(d.meta.Place, "policy", fault.HintOf(err), "%v", err)
		}
		l.cat.Policies = append(l.cat.Policies, out)
	}
}

// checkObjectives checks that each of the policy's services has the SLOs that
// count; a policy for all services is for those that have them.
func (l *loader) checkObjectives(n *openslo.Node, services []string) {
	for _, o := range n.List() {
		found := slices.Contains(services, "*")
		var known []string
		for _, s := range l.slos {
			if slices.Contains(services, s.Service.Name) {
				known = append(known, s.Meta.Name)
				found = found || s.Meta.Name == o.Str()
			}
		}
		if !found && len(services) > 0 {
			l.dangling(openslo.Ref{Name: o.Str(), Place: o.Place}, "SLO of "+strings.Join(services, ", "), known)
		}
	}
}

func (l *loader) policy(d *gateDoc) gate.Policy {
	spec := d.spec
	out := gate.Policy{
		Name: d.meta.Name, Mode: gate.Mode(spec.Get("mode").Str()), OnError: gate.OnError(spec.Get("onError").Str()),
		Objectives: spec.Get("objectives").Strings(),
	}
	for row, v := range spec.Get("verdicts").Entries() {
		if out.Verdicts == nil {
			out.Verdicts = map[string]decision.Verdict{}
		}
		out.Verdicts[row], _ = decision.ParseVerdict(v.Str())
	}
	for _, n := range spec.Get("dependsOn").List() {
		if l.scopeRef(openslo.Ref{Name: n.Str(), Place: n.Place}, false) {
			out.DependsOn = append(out.DependsOn, n.Str())
		}
	}
	if v := spec.Get("dependencyVerdict"); v.IsSet() {
		out.DependencyVerdict, _ = decision.ParseVerdict(v.Str())
	}
	out.Evidence, _ = slo.ParseLength(spec.Get("evidence").Str())
	for _, n := range spec.Get("freezes").List() {
		out.Freezes = append(out.Freezes, l.freeze(n))
	}
	out.Override = overrideRule(spec.Get("override"))
	trust(spec, &out)
	return out
}

func (l *loader) freeze(n *openslo.Node) gate.FreezeRule {
	w := l.when(n, "a freeze")
	out := gate.FreezeRule{
		Name: n.Get("name").Str(), Reason: n.Get("reason").Str(), Cron: w.cron, Duration: w.duration, Zone: w.zone,
		Holidays: n.Get("holidays").Strings(), From: w.from, To: w.to,
	}
	for _, c := range n.Get("exempt").Strings() {
		out.Exempt = append(out.Exempt, gate.Class(c))
	}
	return out
}
