package gitlab_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gitlabapi"
	"gitlab.com/nines-sre/nines/internal/gitlabd"
	"gitlab.com/nines-sre/nines/internal/notify/gitlab"
	"gitlab.com/nines-sre/nines/internal/notify/notifytest"
)

func TestSuite(t *testing.T) {
	notifytest.Run(t, func(t *testing.T) notifytest.World {
		d, err := gitlabd.New(gitlabd.State{Project: "shop/pay", ProjectID: 20, Tokens: map[string]string{"glpat-s3cret": "api"}})
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewTLSServer(d)
		t.Cleanup(s.Close)
		d.SetURL(s.URL)
		api, err := gitlabapi.New(gitlabapi.Options{
			URL: s.URL, Project: "shop/pay", Token: "glpat-s3cret", HTTP: s.Client(),
			Wait: func(context.Context, time.Duration) error { return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		target, err := gitlab.New(api)
		if err != nil {
			t.Fatal(err)
		}
		return notifytest.World{
			Target: target, Secret: "s3cret",
			Got: func() (out []string) {
				d.Update(func(s *gitlabd.State) {
					for _, i := range s.Issues {
						out = append(out, i.Text)
						for _, n := range i.Notes {
							out = append(out, n.Body)
						}
					}
					if len(s.Issues) > 1 {
						t.Errorf("%d issues about one thing", len(s.Issues))
					}
				})
				return out
			},
			Fail: func(kind fault.Kind) {
				d.Update(func(s *gitlabd.State) {
					s.Status = map[fault.Kind]int{fault.Unavailable: 503, fault.Throttled: 429, fault.Denied: 403}[kind]
				})
			},
		}
	})
}

func TestJobToken(t *testing.T) {
	api, err := gitlabapi.New(gitlabapi.Options{URL: "https://gitlab.example.com", Project: "shop/pay", JobToken: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gitlab.New(api); fault.KindOf(err) != fault.Denied {
		t.Error(err)
	}
}
