package gitlabd

import (
	"encoding/json"
	"net/http"
	"net/http/cgi" //nolint:gosec // runs git's own server, on loopback, in tests
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Server answers as a GitLab. Make it with New.
type Server struct {
	mu     sync.Mutex
	state  State
	issuer func() (*issuer, error) // made when it is first asked for
	url    string
	calls  []string
}

// New returns a server with a state. Its address is set with SetURL before
// anybody asks it.
func New(state State) (*Server, error) {
	return &Server{state: state, issuer: sync.OnceValues(newIssuer)}, nil
}

// SetURL tells the server at which address it is reached, without a slash at
// its end.
func (s *Server) SetURL(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.url = address
}

// Update changes the state.
func (s *Server) Update(change func(*State)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.state)
}

// Calls returns the calls of the API so far: "GET merge_requests/7".
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	git, path := s.state.Repository, s.state.Project
	s.mu.Unlock()
	switch {
	case r.URL.Path == "/.well-known/openid-configuration":
		s.discovery(w)
	case r.URL.Path == "/oauth/discovery/keys":
		s.keys(w)
	case git != "" && strings.HasPrefix(r.URL.Path, "/"+path+".git/"):
		s.repository(w, r, git, path)
	case strings.HasPrefix(r.URL.Path, "/api/v4/projects/"):
		s.api(w, r)
	default:
		fail(w, http.StatusNotFound, "404 Not Found")
	}
}

// repository serves the project over git's smart protocol, to those who have a
// token.
func (s *Server) repository(w http.ResponseWriter, r *http.Request, git, path string) {
	_, password, _ := r.BasicAuth()
	if s.may(password) == "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="GitLab"`)
		fail(w, http.StatusUnauthorized, "401 Unauthorized")
		return
	}
	where, err := exec.Command("git", "--exec-path").Output() //nolint:noctx // answers at once
	if err != nil {
		fail(w, http.StatusInternalServerError, "there is no git here")
		return
	}
	(&cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(where)), "git-http-backend"),
		Root: "/" + path + ".git",
		Env:  []string{"GIT_PROJECT_ROOT=" + git, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	}).ServeHTTP(w, r)
}

// may says what a token may do; "": nothing.
func (s *Server) may(token string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Tokens[token]
}

// api answers a call about the project.
func (s *Server) api(w http.ResponseWriter, r *http.Request) {
	rest := strings.TrimPrefix(r.URL.EscapedPath(), "/api/v4/projects/")
	id, path, _ := strings.Cut(rest, "/")
	id, err := url.PathUnescape(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, r.Method+" "+path)
	right := s.right(r.Header)
	switch {
	case s.state.Status != 0:
		fail(w, s.state.Status, strconv.Itoa(s.state.Status)+" "+http.StatusText(s.state.Status))
		return
	case right == "":
		fail(w, http.StatusUnauthorized, "401 Unauthorized")
		return
	case err != nil || id != s.state.Project && id != strconv.FormatInt(s.state.ProjectID, 10):
		fail(w, http.StatusNotFound, "404 Project Not Found")
		return
	}
	s.route(w, r, path, right)
}

// right says what the tokens of a call may do; "": nothing.
func (s *Server) right(h http.Header) string {
	right := s.state.Tokens[h.Get("PRIVATE-TOKEN")]
	if t := h.Get("JOB-TOKEN"); t != "" && s.state.Tokens[t] == "job" {
		return "job"
	}
	if right == "job" {
		return "" // a job's token is no access token
	}
	return right
}

// route hands a call to what answers it, if the right suffices.
func (s *Server) route(w http.ResponseWriter, r *http.Request, path, right string) {
	for _, route := range routes() {
		args, ok := match(route.pattern, path)
		if !ok || route.method != r.Method {
			continue
		}
		switch {
		case right == "job" && !route.job:
			fail(w, http.StatusForbidden, "403 Forbidden")
		case right == "read_api" && route.method != http.MethodGet:
			fail(w, http.StatusForbidden, "insufficient_scope")
		default:
			route.answer(s, w, r, args)
		}
		return
	}
	fail(w, http.StatusNotFound, "404 Not Found")
}

// route is a call that is answered. job says whether a job's own token may make
// it.
type route struct {
	method, pattern string
	job             bool
	answer          func(s *Server, w http.ResponseWriter, r *http.Request, args []string)
}

// routes are the calls, with what a job's token may do of them after the
// documentation of job tokens.
func routes() []route {
	return []route{
		{"GET", "repository/branches", true, (*Server).branches},
		{"GET", "repository/tags", true, (*Server).tags},
		{"GET", "repository/commits/*/merge_requests", true, (*Server).holding},
		{"GET", "deployments", true, (*Server).deployments},
		{"POST", "deployments", true, (*Server).addDeployment},
		{"GET", "deployments/*", true, (*Server).deployment},
		{"GET", "merge_requests/*", true, (*Server).mergeRequest},
		{"GET", "merge_requests/*/approvals", false, (*Server).approvals},
		{"GET", "merge_requests/*/resource_label_events", false, (*Server).labelEvents},
		{"GET", "merge_requests/*/notes", true, (*Server).notes},
		{"POST", "merge_requests/*/notes", false, (*Server).addNote},
		{"PUT", "merge_requests/*/notes/*", false, (*Server).setNote},
		{"GET", "members/all/*", false, (*Server).member},
		{"GET", "issues", false, (*Server).issues},
		{"POST", "issues", false, (*Server).addIssue},
		{"PUT", "issues/*", false, (*Server).setIssue},
		{"POST", "issues/*/notes", false, (*Server).addIssueNote},
		{"GET", "jobs/*", false, (*Server).getJob},
		{"POST", "jobs/*/retry", false, (*Server).retryJob},
		{"GET", "freeze_periods", false, (*Server).freezePeriods},
	}
}

// match compares a path with a pattern, part by part, and returns what stood in
// place of its stars.
func match(pattern, path string) (args []string, ok bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	for i := range want {
		if want[i] == "*" {
			arg, err := url.PathUnescape(got[i])
			if err != nil {
				return nil, false
			}
			args = append(args, arg)
		} else if want[i] != got[i] {
			return nil, false
		}
	}
	return args, true
}

func fail(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": text})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// page answers with the part of a list that was asked for.
func page[T any](w http.ResponseWriter, r *http.Request, all []T) {
	number := func(name string, or int) int {
		if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil && n > 0 {
			return n
		}
		return or
	}
	size, at := min(number("per_page", 20), 100), number("page", 1)
	from := min((at-1)*size, len(all))
	to := min(from+size, len(all))
	next := ""
	if to < len(all) {
		next = strconv.Itoa(at + 1)
	}
	w.Header().Set("X-Page", strconv.Itoa(at))
	w.Header().Set("X-Per-Page", strconv.Itoa(size))
	w.Header().Set("X-Next-Page", next)
	answer(w, http.StatusOK, append([]T{}, all[from:to]...))
}
