package e2e_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/gitlabd"
)

// guarded is the policy on main; what the branch under test makes of it says
// guards no more.
const guarded = `---
apiVersion: nines/v1
kind: GatePolicy
metadata: {name: guarded}
spec:
  services: [pay]
  identity: {gitlab: %[1]s, projects: [shop/pay]}
  override: {perWeek: 9, allowed: {role: maintainer}}
  classes: {verify: true}
`

const loosened = `---
apiVersion: nines/v1
kind: GatePolicy
metadata: {name: loosened}
spec: {services: [pay], mode: advise}
`

const (
	newCommit = "1111111111111111111111111111111111111111"
	oldCommit = "2222222222222222222222222222222222222222" // was in production before
)

// newGitLab starts a GitLab with the project, at its address.
func newGitLab(t *testing.T, state gitlabd.State) (*gitlabd.Server, string) {
	t.Helper()
	d, err := gitlabd.New(state)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	d.SetURL(server.URL)
	return d, server.URL
}

// attack is a job that tries to get through; vars are what its pipeline sets.
type attack struct {
	name   string
	vars   map[string]string
	inputs []string
	job    []string
	says   string // what its log has to say
}

func (a attack) yaml() (include, job string) {
	lines := make([]string, 0, len(a.vars))
	for _, k := range slices.Sorted(maps.Keys(a.vars)) {
		lines = append(lines, fmt.Sprintf("    %s: '%s'", k, a.vars[k]))
	}
	more := slices.Concat(a.job, []string{"variables:\n" + strings.Join(lines, "\n")})
	return component("gate", a.inputs...), deployJob(a.name, more...)
}

// TestHostilePipeline runs a branch that does all it can to get through a closed
// gate: no attack passes, and what is honest among them does.
func TestHostilePipeline(t *testing.T) {
	runner(t)
	t.Parallel()
	w := newHostileWorld(t)
	attacks, honest := w.attacks(t), w.honest(t)
	ci, jobs := "stages: [test, deploy]\ninclude:\n", ""
	want := map[string]string{}
	for _, a := range slices.Concat(attacks, honest) {
		include, job := a.yaml()
		ci, jobs = ci+include, jobs+job
		want["deploy-"+a.name] = "FAIL"
	}
	var passing []string
	for _, a := range honest {
		want["deploy-"+a.name] = "PASS"
		passing = append(passing, a.name)
	}
	w.project.git(t, "checkout", "-q", "-b", "topic")
	w.project.commit(t, map[string]string{
		".gitlab-ci.yml": ci + jobs,
		"slo/slo.yaml":   strings.Replace(fmt.Sprintf(cloudwatchDoc, "Latency"), "target: 0.9", "target: 0.1", 1) + loosened,
	})
	got := w.project.run(t, "--variable", "CI_JOB_TOKEN=job-1", "--variable", "AWS_ACCESS_KEY_ID=K", "--variable", "AWS_SECRET_ACCESS_KEY=s")
	got.want(t, want)
	slices.Sort(passing)
	if d := got.deployed(t); !slices.Equal(d, passing) {
		t.Errorf("deployed: %v, want %v", d, passing)
	}
	for _, a := range slices.Concat(attacks, honest) {
		if said := got.said(t, "deploy-"+a.name); !strings.Contains(said, a.says) {
			t.Errorf("%s does not say %q:\n%s", a.name, a.says, said)
		}
	}
}

// hostileWorld is what the branch is up against: GitLab, AWS, and another of
// each that belongs to the attacker.
type hostileWorld struct {
	project          *project
	gitlab, evil     *gitlabd.Server
	url, evilURL     string
	aws, green       *account
	store, evilStore string
}

func newHostileWorld(t *testing.T) *hostileWorld {
	t.Helper()
	keep := t.TempDir()
	w := &hostileWorld{aws: newAccount(t, 500), green: newAccount(t, 110), store: filepath.Join(keep, "nines.db"), evilStore: filepath.Join(keep, "evil.db")}
	state := gitlabd.State{
		Project: "shop/pay", ProjectID: 20, Tokens: map[string]string{"job-1": "job"},
		Members: []gitlabd.Member{{ID: 1, Login: "ada", Level: 40}, {ID: 2, Login: "dev", Level: 30}},
		Deployments: []gitlabd.Deployment{{
			ID: 12, Commit: oldCommit, Ref: "main", Environment: "production", Status: "success", Job: 5, Pipeline: 500,
			At: time.Now().Add(-48 * time.Hour).UTC().Truncate(time.Second),
		}},
	}
	w.gitlab, w.url = newGitLab(t, state)
	state.Deployments = slices.Clone(state.Deployments)
	state.Deployments[0].Commit = newCommit
	w.evil, w.evilURL = newGitLab(t, state)

	w.project = newProject(t, map[string]string{"slo/slo.yaml": fmt.Sprintf(cloudwatchDoc, "Latency") + fmt.Sprintf(guarded, w.url)})
	bare := filepath.Join(keep, "pay.git")
	w.project.git(t, "clone", "-q", "--bare", w.project.dir, bare)
	w.project.git(t, "-C", bare, "config", "uploadpack.allowAnySHA1InWant", "true")
	main := w.project.git(t, "rev-parse", "HEAD")
	for _, d := range []*gitlabd.Server{w.gitlab, w.evil} {
		d.Update(func(s *gitlabd.State) {
			s.Repository, s.Branches = bare, []gitlabd.Ref{{Name: "main", Commit: main, Protected: true}}
		})
	}
	return w
}

// jobToken is one of a developer's job on main; change sets other claims.
func jobToken(t *testing.T, from *gitlabd.Server, at time.Time, change map[string]any) string {
	t.Helper()
	claims := map[string]any{"user_login": "dev", "user_access_level": "developer", "sha": newCommit}
	maps.Copy(claims, change)
	token, err := from.Token(at, claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// inputs are those of a gate that trusts no variable.
func (w *hostileWorld) inputs(name string, more ...string) []string {
	return append([]string{
		"name: " + name, "config: slo", "service: pay", "mode: policy", "store: 'sqlite:" + w.store + "'", "aws-region: eu-west-1",
		"aws-endpoint: '" + w.aws.URL + "'", "gitlab: '" + w.url + "'", "project: shop/pay", "policy-ref: main",
	}, more...)
}

// maintainer are the claims of somebody who may override.
func maintainer(more map[string]any) map[string]any {
	out := map[string]any{"user_login": "ada", "user_access_level": "maintainer"}
	maps.Copy(out, more)
	return out
}

// honest are those that may pass: they show that the attacks fail for what they
// are, and not because everything does.
func (w *hostileWorld) honest(t *testing.T) []attack {
	t.Helper()
	now := time.Now()
	bare := func(name, aws, store string) []string { // no policy-ref, no gitlab
		return []string{"name: " + name, "config: slo", "service: pay", "mode: enforce", "store: 'sqlite:" + store + "'", "aws-region: eu-west-1", "aws-endpoint: '" + aws + "'"}
	}
	return []attack{
		{
			name: "back", inputs: w.inputs("back"), says: "was in production before",
			vars: map[string]string{"NINES_ID_TOKEN": jobToken(t, w.gitlab, now, map[string]any{"sha": oldCommit}), "NINES_CLASS": "rollback"},
		},
		{ // a service whose metrics are fine does pass
			name: "green", inputs: bare("green", w.green.URL, w.evilStore), says: "may go",
			vars: map[string]string{"NINES_ID_TOKEN": ""},
		},
	}
}

func (w *hostileWorld) attacks(t *testing.T) []attack {
	t.Helper()
	now := time.Now()
	dev := jobToken(t, w.gitlab, now, nil)
	asDev := func(more map[string]string) map[string]string {
		out := map[string]string{"NINES_ID_TOKEN": dev}
		maps.Copy(out, more)
		return out
	}
	override := func(token string) map[string]string {
		return map[string]string{"NINES_ID_TOKEN": token, "NINES_OVERRIDE": "let me"}
	}
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + dev[strings.Index(dev, "."):strings.LastIndex(dev, ".")+1]
	list := []attack{
		{name: "policy", vars: asDev(nil), says: "exhausted"},
		{name: "names", says: "dev may not override", vars: asDev(map[string]string{
			"NINES_OVERRIDE": "let me", "NINES_ACTOR": "ada", "GITLAB_USER_LOGIN": "ada", "GITLAB_USER_NAME": "ada", "USER": "ada",
		})},
		{name: "server", says: "exhausted", vars: asDev(map[string]string{
			"CI_SERVER_URL": w.evilURL, "CI_API_V4_URL": w.evilURL + "/api/v4", "CI_SERVER_FQDN": strings.TrimPrefix(w.evilURL, "http://"),
			"CI_PROJECT_PATH": "eve/pay", "CI_PROJECT_ID": "66", "CI_COMMIT_SHA": oldCommit, "CI_COMMIT_REF_PROTECTED": "true", "NINES_CLASS": "rollback",
		})},
		{name: "places", says: "exhausted", vars: asDev(map[string]string{
			"NINES_CONFIG": "slo", "NINES_STORE": "sqlite:" + w.evilStore, "CI_ENVIRONMENT_NAME": "elsewhere", "CI_DEFAULT_BRANCH": "topic",
		})},
		{name: "metrics", says: "exhausted", vars: asDev(map[string]string{
			"AWS_ENDPOINT_URL": w.green.URL, "AWS_ENDPOINT_URL_CLOUDWATCH": w.green.URL, "AWS_ENDPOINT_URL_STS": w.green.URL,
		})},
		{name: "rollback", says: "is not borne out", vars: asDev(map[string]string{"NINES_CLASS": "rollback", "CI_COMMIT_SHA": oldCommit})},
		{name: "fix", says: "that it is a fix cannot be shown", vars: asDev(map[string]string{"NINES_CLASS": "fix"})},
		{name: "words", says: "--class", vars: asDev(map[string]string{"NINES_CLASS": "rollback --mode advise"})},
		{name: "shell", says: "dev may not override", vars: asDev(map[string]string{"NINES_OVERRIDE": `x"; exit 0; echo "`})},
		{name: "nobody", says: "no identity token", vars: override("")},
		{name: "unsigned", says: "it is no signed token", vars: override(none)},
		{name: "selfmade", says: "its signature is not that of " + w.url, vars: override(jobToken(t, w.evil, now, maintainer(map[string]any{"iss": w.url})))},
		{name: "issuer", says: "its signature is not that of " + w.url, vars: override(jobToken(t, w.evil, now, maintainer(nil)))},
		{name: "foreign", says: "eve/pay", vars: override(jobToken(t, w.gitlab, now, maintainer(map[string]any{"project_path": "eve/pay", "project_id": "66"})))},
		{name: "expired", says: "it expired", vars: override(jobToken(t, w.gitlab, now.Add(-2*time.Hour), maintainer(nil)))},
		{name: "audience", says: "vault", vars: override(jobToken(t, w.gitlab, now, maintainer(map[string]any{"aud": "vault"})))},
	}
	for i := range list {
		list[i].inputs = w.inputs(list[i].name)
		if list[i].name == "metrics" { // from a store that holds nothing yet: what is measured is the attacker's or not
			list[i].inputs[4] = "store: 'sqlite:" + w.store + ".new'"
		}
	}
	return list
}

// TestReplayedToken spends a token on an override, and again.
func TestReplayedToken(t *testing.T) {
	runner(t)
	t.Parallel()
	w := newHostileWorld(t)
	vars := map[string]string{"NINES_ID_TOKEN": jobToken(t, w.gitlab, time.Now(), maintainer(nil)), "NINES_OVERRIDE": "INC-7"}
	first := attack{name: "first", inputs: w.inputs("first", "environment: staging"), vars: vars}
	again := attack{name: "again", inputs: w.inputs("again"), vars: vars}
	ci, jobs := "stages: [test, deploy]\ninclude:\n", ""
	for _, a := range []attack{first, again} {
		include, job := a.yaml()
		ci, jobs = ci+include, jobs+job
	}
	const stage = "extends: .again\n  stage: deploy\n  "
	jobs = strings.Replace(jobs, stage+"needs: []", stage+"needs: [deploy-first]", 1)
	w.project.commit(t, map[string]string{".gitlab-ci.yml": ci + jobs})
	got := w.project.run(t, "--variable", "CI_JOB_TOKEN=job-1", "--variable", "AWS_ACCESS_KEY_ID=K", "--variable", "AWS_SECRET_ACCESS_KEY=s")
	got.want(t, map[string]string{"deploy-first": "PASS", "deploy-again": "FAIL"})
	if d := got.deployed(t); !slices.Equal(d, []string{"first"}) {
		t.Errorf("deployed: %v, want the first alone", d)
	}
	if said := got.said(t, "deploy-again"); !strings.Contains(said, "was used for an override before") {
		t.Errorf("the second use is not refused for what it is:\n%s", said)
	}
}
