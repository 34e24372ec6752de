package gitlabapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gitlabapi"
)

// answers serves a handler and returns a client for it that waits for nothing.
func answers(t *testing.T, h http.HandlerFunc) *gitlabapi.Client {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	c, err := gitlabapi.New(gitlabapi.Options{
		URL: s.URL + "/", Project: "shop/pay", Token: "s3cret", HTTP: s.Client(),
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAddresses(t *testing.T) {
	for _, bad := range []string{"", "gitlab.example.com", "http://gitlab.example.com", "https://u:p@gitlab.example.com", "ftp://x", "https://x/?a=b"} {
		if _, err := gitlabapi.New(gitlabapi.Options{URL: bad, Project: "a/b"}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := gitlabapi.New(gitlabapi.Options{URL: "https://gitlab.example.com"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no project: %v", err)
	}
	var path string
	c := answers(t, func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.EscapedPath()
		_, _ = w.Write([]byte("{}"))
	})
	if _, err := c.MergeRequest(t.Context(), 7); err != nil || path != "/api/v4/projects/shop%2Fpay/merge_requests/7" {
		t.Errorf("%s %v", path, err)
	}
}

// TestTokenStays checks that a redirect takes the token nowhere.
func TestTokenStays(t *testing.T) {
	seen := ""
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen += r.Header.Get("PRIVATE-TOKEN") }))
	t.Cleanup(thief.Close)
	c := answers(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
	})
	if _, err := c.MergeRequest(t.Context(), 7); err == nil || seen != "" || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%q %v", seen, err)
	}
}

func TestFailures(t *testing.T) {
	for _, tc := range []struct {
		status int
		body   string
		kind   fault.Kind
		calls  int
		say    string
	}{
		{401, `{"message":"401 Unauthorized"}`, fault.Denied, 1, "401: 401 Unauthorized"},
		{403, `{"error":"insufficient_scope"}`, fault.Denied, 1, "insufficient_scope"},
		{404, `{"message":"404 Not Found"}`, fault.NotFound, 1, "404"},
		{400, `{"message":{"body":["can't be blank"]}}`, fault.Internal, 1, "can't be blank"},
		{409, `{}`, fault.Conflict, 1, "409"},
		{429, `slow down`, fault.Throttled, 3, "429 Too Many Requests"},
		{502, `<html>`, fault.Unavailable, 3, "502 Bad Gateway"},
		{200, `<html>log in</html>`, fault.Unavailable, 3, "no JSON"},
		{200, strings.Repeat("x", 9<<20), fault.Unavailable, 3, "no end"},
		{500, `{"message":"` + strings.Repeat("é", 500) + `"}`, fault.Unavailable, 3, "..."},
	} {
		t.Run(fmt.Sprint(tc.status, tc.say), func(t *testing.T) {
			calls := 0
			c := answers(t, func(w http.ResponseWriter, _ *http.Request) {
				calls++
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			})
			_, err := c.MergeRequest(t.Context(), 7)
			if fault.KindOf(err) != tc.kind || calls != tc.calls || !strings.Contains(err.Error(), tc.say) || len(err.Error()) > 400 {
				t.Errorf("%d calls, %v", calls, err)
			}
		})
	}
}

// TestWritesAreNotRepeated checks that what may have been written is not written
// again by itself; what was refused for its rate was not.
func TestWritesAreNotRepeated(t *testing.T) {
	for status, want := range map[int]int{503: 1, 429: 3} {
		calls := 0
		c := answers(t, func(w http.ResponseWriter, _ *http.Request) { calls++; w.WriteHeader(status) })
		if _, err := c.AddNote(t.Context(), 7, "x"); err == nil || calls != want {
			t.Errorf("%d: %d calls, %v", status, calls, err)
		}
	}
}

func TestRecovers(t *testing.T) {
	calls := 0
	c := answers(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(`{"iid":7}`))
	})
	if m, err := c.MergeRequest(t.Context(), 7); err != nil || m.IID != 7 {
		t.Errorf("%+v %v", m, err)
	}
}

// TestEndlessList checks that a list without an end is an error: what was not
// read to its end has not been read.
func TestEndlessList(t *testing.T) {
	c := answers(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Next-Page", "2")
		_, _ = w.Write([]byte(`[{"id":1}]`))
	})
	n := 0
	err := c.Deployments(t.Context(), "production", "success", func(gitlabapi.Deployment) bool { n++; return true })
	if fault.KindOf(err) != fault.Full || n != 30 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := answers(t, func(w http.ResponseWriter, _ *http.Request) { cancel(); w.WriteHeader(http.StatusServiceUnavailable) })
	if _, err := c.MergeRequest(ctx, 7); fault.KindOf(err) != fault.Canceled {
		t.Error(err)
	}
}
