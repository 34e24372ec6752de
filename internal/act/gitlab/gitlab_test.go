package gitlab_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/acttest"
	"gitlab.com/nines-sre/nines/internal/act/gitlab"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gitlabd"
)

// commits were deployed one after the other; the first is deployed once more.
var commits = []string{strings.Repeat("a", 40), strings.Repeat("b", 40), strings.Repeat("c", 40)}

// bench is the double, with trouble for what writes.
type bench struct {
	server *gitlabd.Server
	url    string

	mu      sync.Mutex
	trouble acttest.Trouble
	left    int
}

func start(t *testing.T) *bench {
	t.Helper()
	state := gitlabd.State{Project: "shop/pay", ProjectID: 7, Tokens: map[string]string{"secret": "api", "job": "job", "reader": "read_api"}}
	for i, commit := range []string{commits[2], commits[1], commits[0]} {
		state.Deployments = append(state.Deployments, deployment(int64(i)+1, commit))
	}
	server, err := gitlabd.New(state)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(server)
	t.Cleanup(srv.Close)
	server.SetURL(srv.URL)
	return &bench{server: server, url: srv.URL}
}

func deployment(id int64, commit string) gitlabd.Deployment {
	return gitlabd.Deployment{ID: id, Commit: commit, Ref: "main", Environment: "production", Status: "success", Job: id + 100, Pipeline: id + 10, At: time.Date(2026, 3, 2, 12, int(id), 0, 0, time.UTC)}
}

// RoundTrip makes the suite's troubles for calls that write.
func (b *bench) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	trouble := acttest.Fine
	if r.Method != http.MethodGet && b.left > 0 {
		b.left--
		trouble = b.trouble
	}
	b.mu.Unlock()
	refuse := func(status int) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"message":"made up"}`)), Request: r}, nil
	}
	switch trouble {
	case acttest.Throttled:
		return refuse(http.StatusTooManyRequests)
	case acttest.Denied:
		return refuse(http.StatusForbidden)
	case acttest.Away:
		return nil, errors.New("connection refused")
	case acttest.Lost:
		res, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			_ = res.Body.Close()
		}
		return nil, errors.New("connection reset by peer")
	case acttest.Fine:
	}
	return http.DefaultTransport.RoundTrip(r)
}

func at(query map[string]string) act.Place {
	p := act.Place{Kind: "gitlab", Params: map[string]string{"environment": "production"}}
	maps.Copy(p.Params, query)
	return p
}

func (b *bench) open(t testing.TB, token string, wait act.Wait) *gitlab.Actor {
	t.Helper()
	opt := gitlab.Options{URL: b.url, Project: "shop/pay", HTTP: &http.Client{Transport: b}, Wait: wait}
	if token == "job" {
		opt.JobToken = token
	} else {
		opt.Token = token
	}
	a, err := gitlab.Open(at(nil), opt)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// at once waits for nothing.
func atOnce(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func (b *bench) deployments() (out []gitlabd.Deployment) {
	b.server.Update(func(s *gitlabd.State) { out = append(out, s.Deployments...) })
	return out
}

func (b *bench) look() act.Split {
	s := act.Split{}
	for _, d := range b.deployments() {
		if d.Status == "success" {
			s.Stable = d.Commit
		}
	}
	return s
}

func TestSuite(t *testing.T) {
	acttest.Run(t, func(t *testing.T) acttest.World {
		b := start(t)
		foreign := 0
		add := func(commit, status string) {
			b.server.Update(func(s *gitlabd.State) {
				d := deployment(int64(len(s.Deployments))+1, commit)
				for _, other := range s.Deployments {
					d.ID, d.Job = max(d.ID, other.ID+1), max(d.Job, other.Job+1)
				}
				d.Status = status
				s.Deployments = append(s.Deployments, d)
			})
		}
		return acttest.World{
			Actor: b.open(t, "secret", atOnce), Versions: commits, Racy: true,
			Again: func(t testing.TB) act.Actor { return b.open(t, "secret", atOnce) },
			Look:  func(testing.TB) act.Split { return b.look() },
			Writes: func() int {
				return len(b.deployments()) - foreign
			},
			Foreign: func(_ testing.TB, to act.Split) {
				foreign++
				add(to.Stable, "success")
			},
			Fail: func(trouble acttest.Trouble, n int) {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.trouble, b.left = trouble, n
			},
			Busy: func(testing.TB) {
				foreign++
				add(commits[2], "running")
			},
		}
	})
}

func rollback(t *testing.T, a *gitlab.Actor, commit string) (act.Outcome, error) {
	t.Helper()
	from, err := a.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a.Apply(t.Context(), act.Change{Action: act.Action{Verb: act.Rollback, Key: "k", From: from, To: act.Split{Stable: commit}}})
}

// A job that fails again is named with its address, and the setting that has to
// be changed where it is that.
func TestJobFails(t *testing.T) {
	for reason, hint := range map[string]string{"script_failure": "/-/jobs/", "forward_deployment_failure": "rollback deployments"} {
		b := start(t)
		b.server.Update(func(s *gitlabd.State) { s.Deployments[1].Broken = reason })
		_, err := rollback(t, b.open(t, "secret", atOnce), commits[1])
		if fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), b.url+"/shop/pay/-/jobs/104") || !strings.Contains(fault.HintOf(err), hint) {
			t.Errorf("%s: %v (%s)", reason, err, fault.HintOf(err))
		}
		if b.look().Stable != commits[0] {
			t.Errorf("%s: it lies at %v", reason, b.look())
		}
	}
}

// What is under way is waited for before something is put back over it.
func TestRollbackBehindAnother(t *testing.T) {
	b := start(t)
	b.server.Update(func(s *gitlabd.State) {
		d := deployment(9, commits[1])
		d.Status = "running"
		s.Deployments = append(s.Deployments, d)
	})
	waits := 0
	wait := func(ctx context.Context, _ time.Duration) error {
		if waits++; waits == 3 {
			b.server.Update(func(s *gitlabd.State) { s.Deployments[3].Status = "success" })
		}
		return ctx.Err()
	}
	out, err := rollback(t, b.open(t, "secret", wait), commits[2])
	if err != nil || out.State.Stable != commits[2] || len(out.Calls) != 1 || waits < 3 {
		t.Errorf("%+v, %v after %d waits", out, err, waits)
	}
}

func TestMayNot(t *testing.T) {
	b := start(t)
	for _, token := range []string{"job", "reader"} {
		_, err := rollback(t, b.open(t, token, atOnce), commits[1])
		if fault.KindOf(err) != fault.Denied || !strings.Contains(fault.HintOf(err), "access token") {
			t.Errorf("%s: %v (%s)", token, err, fault.HintOf(err))
		}
	}
	_, err := rollback(t, b.open(t, "secret", atOnce), strings.Repeat("d", 40))
	if fault.KindOf(err) != fault.NotFound {
		t.Errorf("a commit that nobody deployed: %v", err)
	}
	opt := gitlab.Options{URL: b.url, Project: "shop/pay", Token: "secret", Wait: atOnce}
	if _, err := gitlab.Open(at(map[string]string{"url": "https://elsewhere.example"}), opt); fault.KindOf(err) != fault.Invalid {
		t.Errorf("another GitLab than the token is for: %v", err)
	}
	a, err := gitlab.Open(at(map[string]string{"project": "7", "environment": "staging"}), opt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Read(t.Context()); fault.KindOf(err) != fault.NotFound {
		t.Errorf("an environment without deployments: %v", err)
	}
}
