package config

import (
	"fmt"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// The parts of a gate policy that say whom to believe: identity, who may
// override, what has to be seen before a class of change counts, who is told.

func identityShape() *openslo.Shape {
	return openslo.Object("Whose word counts for who somebody is. Without it names are taken as given.",
		openslo.Need("gitlab", openslo.Text("The https address of the GitLab whose tokens count, as it spells itself.", httpsFormat())),
		openslo.Need("projects", openslo.ListOf("Projects whose jobs count.", 1, openslo.Text("A path, group/project, or a number.", filled()))),
		openslo.May("audience", openslo.Text("For whom tokens have to be (`aud`); nines unless said.", filled())))
}

func httpsFormat() *openslo.Format {
	const pattern = `^https?://[^/?#@\s]+(/[^?#@\s]*[^/?#@\s])?$`
	return &openslo.Format{Name: "address", Pattern: pattern, Check: func(s string) (string, string) {
		if err := notify.CheckWeb(s); err != nil || strings.HasSuffix(s, "/") || strings.ContainsAny(s, "?#@ ") {
			return quoted(s) + " is not the address of a GitLab", "write one like https://gitlab.example.com"
		}
		return "", ""
	}}
}

func roleShape(doc string) *openslo.Shape {
	words := make([]string, 0, len(forge.Roles()))
	for _, r := range forge.Roles() {
		words = append(words, string(r))
	}
	return openslo.OneOf(doc, words...)
}

func people(doc string) *openslo.Shape { return openslo.ListOf(doc, 1, text("A login.")) }

func overrideShape() *openslo.Shape {
	allowed := openslo.Object("Who may, by what is proven; users, role and groups each let somebody in, everything else has to hold.",
		openslo.May("users", people("Who may.")),
		openslo.May("role", roleShape("The least role in the project.")),
		openslo.May("groups", openslo.ListOf("Groups whose direct members may.", 1, text("A group's path."))),
		openslo.May("approval", openslo.Flag("An approval by one of them on the protected environment counts, given by somebody else than who runs the job.")),
		openslo.May("protectedRef", openslo.Flag("Only from a protected branch or tag.")),
		openslo.May("protectedEnvironment", openslo.Flag("Only in a job that deploys to a protected environment.")),
		openslo.May("tiers", openslo.ListOf("Only to environments of these tiers.", 1, text("A deployment tier, as production."))))
	return openslo.Object("Who may pass a halted gate, how often and for how long.",
		openslo.May("perWeek", openslo.Num("How often in seven days; 0: never. 2 unless said.", wholeFormat(0, 1000))),
		openslo.May("maxFor", lengthShape("How long one override lasts at most. 24h unless said.")),
		openslo.May("actors", openslo.ListOf("Who may; everybody unless said.", 1, text("A name, as the pipeline gives it."))),
		openslo.May("allowed", allowed))
}

func classesShape() *openslo.Shape {
	leave := func(doc string) *openslo.Shape {
		return openslo.Object(doc,
			openslo.Need("label", openslo.Text("The label on the merge request.", filled())),
			openslo.May("users", people("Who may set it.")),
			openslo.May("role", roleShape("The least role of who may set it; maintainer unless said, where no users are named.")))
	}
	return openslo.Object("What has to be seen before a class of change is believed.",
		openslo.May("verify", openslo.Flag("Believe no class that is not shown.")),
		openslo.May("whenUnknown", openslo.OneOf("What becomes of a rollback when no record can be read; pass unless said.", string(gate.UnknownPasses), string(gate.UnknownIsNone))),
		openslo.May("fix", leave("What makes a change a fix.")), openslo.May("security", leave("What makes it a security update.")))
}

func notifyShape() *openslo.Shape {
	const pattern = `^(https?://\S+|slack://\S+|(slack|webhook|pagerduty):(\$[A-Za-z_][A-Za-z0-9_]*|ssm:/\S+|https?://\S+)|sns:arn:\S+|eventbridge:arn:\S+|gitlab-alert:\S+|alertmanager:\S+|smtps?://.+|gitlab-issue)$`
	return openslo.ListOf("Who is told of a halt and of an override.", 1, openslo.Text("https://..., slack:$NAME, sns:ARN, pagerduty:$NAME, gitlab-issue and others: see the addresses of targets.",
		&openslo.Format{Name: "target", Pattern: pattern, Check: func(s string) (string, string) {
			if _, err := notify.Parse(s); err != nil {
				return "is not an address that can be told anything", fault.HintOf(err)
			}
			return "", ""
		}}))
}

// overrideRule reads who may override.
func overrideRule(n *openslo.Node) gate.OverrideRule {
	var out gate.OverrideRule
	if per := n.Get("perWeek"); per.IsSet() {
		if _, err := fmt.Sscan(per.Str(), &out.PerWeek); err != nil || out.PerWeek == 0 {
			out.PerWeek = -1 // the policy's word for never; its 0 is the default
		}
	}
	m, _ := slo.ParseLength(n.Get("maxFor").Str())
	out.MaxFor = m.Duration()
	out.Actors = n.Get("actors").Strings()
	a := n.Get("allowed")
	out.Allowed = gate.Allowed{
		Users: a.Get("users").Strings(), Role: forge.Role(a.Get("role").Str()), Groups: a.Get("groups").Strings(),
		Approval: a.Get("approval").True(), ProtectedRef: a.Get("protectedRef").True(),
		ProtectedEnvironment: a.Get("protectedEnvironment").True(), Tiers: a.Get("tiers").Strings(),
	}
	return out
}

// trust reads the rest of whom to believe into a policy.
func trust(spec *openslo.Node, out *gate.Policy) {
	id := spec.Get("identity")
	out.Identity = gate.Identity{GitLab: id.Get("gitlab").Str(), Projects: id.Get("projects").Strings(), Audience: id.Get("audience").Str()}
	leave := func(n *openslo.Node) gate.Leave {
		return gate.Leave{Label: n.Get("label").Str(), Users: n.Get("users").Strings(), Role: forge.Role(n.Get("role").Str())}
	}
	c := spec.Get("classes")
	out.Classes = gate.ClassRule{
		Verify: c.Get("verify").True(), WhenUnknown: gate.WhenUnknown(c.Get("whenUnknown").Str()),
		Fix: leave(c.Get("fix")), Security: leave(c.Get("security")),
	}
	out.Notify = spec.Get("notify").Strings()
}

// trustFields are whom a policy believes, for those who compare two.
func trustFields(p *gate.Policy) [][2]string {
	identity := ""
	if p.Identity.On() {
		identity = fmt.Sprintf("%s of %s for %s", p.Identity.GitLab, strings.Join(p.Identity.Projects, ", "), p.Identity.Audience)
	}
	described := func(v any, zero bool) string {
		if zero {
			return ""
		}
		return strings.TrimSpace(fmt.Sprintf("%+v", v))
	}
	a := p.Override.Allowed
	unset := len(a.Users)+len(a.Groups)+len(a.Tiers) == 0 && a.Role == "" && !a.Approval && !a.ProtectedRef && !a.ProtectedEnvironment
	c := p.Classes
	plain := !c.Verify && c.WhenUnknown == "" && c.Fix.Label == "" && c.Security.Label == ""
	told := make([]string, 0, len(p.Notify))
	for _, s := range p.Notify {
		if to, err := notify.Parse(s); err == nil {
			told = append(told, to.String())
		}
	}
	return [][2]string{
		{"identity", identity}, {"allowed to override", described(a, unset)}, {"classes", described(c, plain)}, {"tells", strings.Join(told, ", ")},
	}
}
