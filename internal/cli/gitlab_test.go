package cli_test

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"gitlab.com/nines-sre/nines/internal/gitlabd"
)

// gitlabs are the local GitLabs of the scripts that run, by their folder.
var gitlabs sync.Map

// gitlab starts a local GitLab: gitlab STATE.json FILE... sets GITLAB to its
// address and writes that into the files where they say GITLAB_URL. A script
// has one; called again it takes the state anew.
func gitlab(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: gitlab STATE.json [FILE...]")
	}
	var state gitlabd.State
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &state))
	if state.Repository != "" {
		state.Repository = ts.MkAbs(state.Repository)
	}
	if old, ok := started(ts); ok {
		old.Update(func(s *gitlabd.State) { *s = state })
		return
	}
	d, err := gitlabd.New(state)
	ts.Check(err)
	server := httptest.NewServer(d)
	d.SetURL(server.URL)
	gitlabs.Store(ts.Getenv("WORK"), d)
	ts.Defer(func() {
		server.Close()
		gitlabs.Delete(ts.Getenv("WORK"))
	})
	ts.Setenv("GITLAB", server.URL)
	for _, name := range args[1:] {
		text := strings.ReplaceAll(ts.ReadFile(name), "GITLAB_URL", server.URL)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// started returns the script's GitLab, if it has one.
func started(ts *testscript.TestScript) (*gitlabd.Server, bool) {
	v, _ := gitlabs.Load(ts.Getenv("WORK"))
	d, ok := v.(*gitlabd.Server)
	return d, ok
}

func running(ts *testscript.TestScript) *gitlabd.Server {
	d, ok := started(ts)
	if !ok {
		ts.Fatalf("there is no GitLab yet")
	}
	return d
}

// idtoken sets a variable to an identity token of a job, issued at
// NINES_TEST_NOW: idtoken VARIABLE [CLAIM=VALUE...].
func idtoken(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: idtoken VARIABLE [CLAIM=VALUE...]")
	}
	at, err := time.Parse(time.RFC3339, ts.Getenv(fakeNow))
	ts.Check(err)
	claims := map[string]any{}
	for _, arg := range args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		if name == "at" {
			at, err = time.Parse(time.RFC3339, value)
			ts.Check(err)
			continue
		}
		claims[name] = value
	}
	token, err := running(ts).Token(at, claims)
	ts.Check(err)
	ts.Setenv(args[0], token)
}

// gitlabstate writes what the local GitLab knows now to a file.
func gitlabstate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: gitlabstate FILE")
	}
	var data []byte
	running(ts).Update(func(s *gitlabd.State) {
		var err error
		data, err = json.MarshalIndent(s, "", "  ")
		ts.Check(err)
	})
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}
