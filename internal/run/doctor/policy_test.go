package doctor_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run/doctor"
)

// allows is a small evaluator of policies: who does what, on what, where.
func allows(policies []doctor.Policy, r metric.Right, region string) bool {
	for _, p := range policies {
		if p.Role != r.Role {
			continue
		}
		for _, s := range p.Document.Statement {
			regions := s.Condition["StringEquals"]["aws:RequestedRegion"]
			if s.Effect == "Allow" && slices.Contains(s.Action, r.Action) && slices.Contains(s.Resource, r.Resource) &&
				(regions == nil || slices.Contains(regions, region)) {
				return true
			}
		}
	}
	return false
}

// TestPoliciesAllowExactlyTheRights: every right is allowed to whom and where it
// is needed; no action, no resource and no region is in them that nobody needs;
// names of statements are unique, as IAM wants.
func TestPoliciesAllowExactlyTheRights(t *testing.T) {
	word := func(words ...string) *rapid.Generator[string] { return rapid.SampledFrom(words) }
	rapid.Check(t, func(t *rapid.T) {
		rights := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) metric.Right {
			return metric.Right{
				Action:   word("cloudwatch:GetMetricData", "cloudwatch:ListMetrics", "sts:AssumeRole", "dynamodb:GetItem").Draw(t, "action"),
				Resource: word("*", "arn:a", "arn:b").Draw(t, "resource"),
				Regions:  rapid.SliceOfN(word("eu-west-1", "eu-west-2"), 0, 2).Draw(t, "regions"),
				Role:     word("", "arn:role").Draw(t, "role"),
			}
		}), 0, 8).Draw(t, "rights")
		got := doctor.Policies(rights)
		for _, r := range rights {
			for _, region := range append([]string{}, r.Regions...) {
				if !allows(got, r, region) {
					t.Fatalf("%+v is not allowed in %s: %+v", r, region, got)
				}
			}
			if len(r.Regions) == 0 && !allows(got, r, "anywhere") {
				t.Fatalf("%+v is not allowed anywhere: %+v", r, got)
			}
		}
		needed := func(role string, ok func(metric.Right) bool) bool {
			return slices.ContainsFunc(rights, func(r metric.Right) bool { return r.Role == role && ok(r) })
		}
		for _, p := range got {
			sids := map[string]bool{}
			for _, s := range p.Document.Statement {
				if sids[s.Sid] || s.Sid == "" {
					t.Fatalf("two statements are called %q", s.Sid)
				}
				sids[s.Sid] = true
				for _, a := range s.Action {
					for _, res := range s.Resource {
						if !needed(p.Role, func(r metric.Right) bool { return r.Action == a && r.Resource == res }) {
							t.Fatalf("nobody needs %s on %s as %q", a, res, p.Role)
						}
					}
					for _, region := range s.Condition["StringEquals"]["aws:RequestedRegion"] {
						if !needed(p.Role, func(r metric.Right) bool { return r.Action == a && slices.Contains(r.Regions, region) }) {
							t.Fatalf("nobody needs %s in %s", a, region)
						}
					}
				}
			}
		}
	})
}
