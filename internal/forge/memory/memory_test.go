package memory_test

import (
	"fmt"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/forge/forgetest"
	"gitlab.com/nines-sre/nines/internal/forge/memory"
)

func TestSuite(t *testing.T) {
	forgetest.Run(t, func(*testing.T) forgetest.World {
		deployment := func(id int64, commit, ref, pipeline string, protected bool) forge.Deployment {
			return forge.Deployment{ID: id, Version: commit, Environment: "production", Ref: ref, Pipeline: pipeline, At: forgetest.Now(), RefProtected: protected}
		}
		lead := forge.Person{Login: "lead", Role: forge.Maintainer}
		f := &memory.Forge{
			Where: forge.Where{URL: "https://gitlab.example.com", Project: "shop/pay"}, Tokens: map[string]memory.Token{},
			Records: []memory.Record{
				{Deployment: deployment(1, forgetest.Old, "main", "10", true)},
				{Deployment: deployment(2, forgetest.Branchy, "topic", "11", false)},
				{Deployment: deployment(3, forgetest.Said, "main", "", true), Said: true},
			},
			Merged: map[string][]forge.Change{forgetest.Fixed: {{
				ID: 7, Author: "dev", Labels: []forge.Label{{Name: "nines::fix", By: lead}, {Name: "urgent", By: forge.Person{Login: "guest"}}},
				Approvals: []forge.Person{lead},
			}}},
			Approved: map[string][]forge.Approval{"302": {{Person: lead}}},
			Requests: map[string]int64{forgetest.Fixed: 7},
		}
		return forgetest.World{
			Forge: f,
			Token: func(_ *testing.T, project, audience string, expires time.Time) string {
				name := fmt.Sprint("token ", len(f.Tokens))
				f.Tokens[name] = memory.Token{Audience: audience, Expires: expires, Actor: forge.Actor{
					Login: "dev", Proof: forge.ByToken, Role: forge.Developer, Project: project, Environment: "production", Job: "302",
					RefProtected: true, Token: fmt.Sprint("digest ", len(f.Tokens)),
				}}
				return name
			},
			Break: func() { f.Fail = fault.New(fault.Unavailable, "forge", "away", "") },
			Notes: func(id int64) (out []string) {
				for _, n := range f.Notes(id) {
					out = append(out, n)
				}
				return out
			},
		}
	})
}
