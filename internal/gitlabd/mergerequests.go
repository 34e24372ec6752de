package gitlabd

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (s *Server) mergeRequestObject(m *MergeRequest) object {
	orNull := func(sha string) any {
		if sha == "" {
			return nil
		}
		return sha
	}
	return object{
		"id": m.IID + 1000, "iid": m.IID, "project_id": s.state.ProjectID, "state": m.State, "title": "a change",
		"target_branch": m.Target, "sha": m.Head, "merge_commit_sha": orNull(m.MergeCommit), "squash_commit_sha": orNull(m.SquashCommit),
		"labels": append([]string{}, m.Labels...), "author": s.user(m.Author),
		"web_url": s.url + "/" + s.state.Project + "/-/merge_requests/" + strconv.FormatInt(m.IID, 10),
	}
}

// holding lists the merge requests that hold a commit.
func (s *Server) holding(w http.ResponseWriter, r *http.Request, args []string) {
	out := []object{}
	for i := range s.state.MergeRequests {
		m := &s.state.MergeRequests[i]
		if slices.Contains(append([]string{m.Head, m.MergeCommit, m.SquashCommit}, m.Commits...), args[0]) {
			out = append(out, s.mergeRequestObject(m))
		}
	}
	page(w, r, out)
}

// find finds a merge request or answers that there is none.
func (s *Server) find(w http.ResponseWriter, iid string) *MergeRequest {
	for i := range s.state.MergeRequests {
		if strconv.FormatInt(s.state.MergeRequests[i].IID, 10) == iid {
			return &s.state.MergeRequests[i]
		}
	}
	fail(w, http.StatusNotFound, "404 Merge Request Not Found")
	return nil
}

func (s *Server) mergeRequest(w http.ResponseWriter, _ *http.Request, args []string) {
	if m := s.find(w, args[0]); m != nil {
		answer(w, http.StatusOK, s.mergeRequestObject(m))
	}
}

func (s *Server) approvals(w http.ResponseWriter, _ *http.Request, args []string) {
	m := s.find(w, args[0])
	if m == nil {
		return
	}
	by := []object{}
	for _, login := range m.ApprovedBy {
		by = append(by, object{"user": s.user(login)})
	}
	answer(w, http.StatusOK, object{"iid": m.IID, "state": m.State, "approved_by": by, "approvals_required": 0})
}

func (s *Server) labelEvents(w http.ResponseWriter, r *http.Request, args []string) {
	m := s.find(w, args[0])
	if m == nil {
		return
	}
	out := []object{}
	for i, e := range m.Events {
		out = append(out, object{
			"id": i + 1, "user": s.user(e.By), "created_at": e.At, "resource_type": "MergeRequest", "resource_id": m.IID + 1000,
			"label": object{"id": 1, "name": e.Label, "color": "#34495E", "description": ""}, "action": e.Action,
		})
	}
	page(w, r, out)
}

func (s *Server) noteObject(n *Note) object {
	return object{"id": n.ID, "body": n.Body, "author": s.user(n.By), "system": n.System, "noteable_type": "MergeRequest"} //nolint:misspell // GitLab's word
}

func (s *Server) notes(w http.ResponseWriter, r *http.Request, args []string) {
	m := s.find(w, args[0])
	if m == nil {
		return
	}
	out := []object{}
	for i := range m.Notes {
		out = append(out, s.noteObject(&m.Notes[i]))
	}
	if r.URL.Query().Get("sort") != "asc" {
		slices.Reverse(out)
	}
	page(w, r, out)
}

// body reads the text of a note.
func body(w http.ResponseWriter, r *http.Request) (string, bool) {
	var got struct{ Body string }
	if !read(w, r, &got) {
		return "", false
	}
	const most = 1_000_000 // characters, GitLab's limit
	if got.Body == "" || len(got.Body) > most {
		fail(w, http.StatusBadRequest, "400 Bad request - Note {:note=>[\"can't be blank\"]}")
		return "", false
	}
	return got.Body, true
}

func (s *Server) addNote(w http.ResponseWriter, r *http.Request, args []string) {
	m := s.find(w, args[0])
	if m == nil {
		return
	}
	if text, ok := body(w, r); ok {
		n := Note{ID: int64(len(m.Notes)) + 1, By: "project_bot", Body: text}
		m.Notes = append(m.Notes, n)
		answer(w, http.StatusCreated, s.noteObject(&n))
	}
}

func (s *Server) setNote(w http.ResponseWriter, r *http.Request, args []string) {
	m := s.find(w, args[0])
	if m == nil {
		return
	}
	for i := range m.Notes {
		n := &m.Notes[i]
		if strconv.FormatInt(n.ID, 10) != args[1] {
			continue
		}
		if n.By != "project_bot" {
			fail(w, http.StatusForbidden, "403 Forbidden")
			return
		}
		if text, ok := body(w, r); ok {
			n.Body = text
			answer(w, http.StatusOK, s.noteObject(n))
		}
		return
	}
	fail(w, http.StatusNotFound, "404 Note Not Found")
}

func (s *Server) issueObject(i *Issue) object {
	return object{
		"id": i.IID + 5000, "iid": i.IID, "project_id": s.state.ProjectID, "title": i.Title, "description": i.Text, "state": i.State,
		"labels": append([]string{}, i.Labels...), "issue_type": cmp.Or(i.Type, "issue"),
		"web_url": s.url + "/" + s.state.Project + "/-/issues/" + strconv.FormatInt(i.IID, 10),
	}
}

func (s *Server) issues(w http.ResponseWriter, r *http.Request, _ []string) {
	q := r.URL.Query()
	out := []object{}
	for i := range s.state.Issues {
		one := &s.state.Issues[i]
		if (q.Get("state") == "" || q.Get("state") == one.State) && (q.Get("labels") == "" || slices.Contains(one.Labels, q.Get("labels"))) &&
			(q.Get("issue_type") == "" || q.Get("issue_type") == cmp.Or(one.Type, "issue")) &&
			strings.Contains(one.Title, q.Get("search")) {
			out = append(out, s.issueObject(one))
		}
	}
	page(w, r, out)
}

func (s *Server) addIssue(w http.ResponseWriter, r *http.Request, _ []string) {
	var got struct {
		Title, Description, Labels string
		Type                       string `json:"issue_type"`
	}
	if !read(w, r, &got) {
		return
	}
	if got.Title == "" {
		fail(w, http.StatusBadRequest, "title is missing")
		return
	}
	if !slices.Contains([]string{"", "issue", "incident", "test_case", "task"}, got.Type) {
		fail(w, http.StatusBadRequest, "issue_type does not have a valid value")
		return
	}
	if got.Type == "issue" {
		got.Type = ""
	}
	i := Issue{Type: got.Type, IID: int64(len(s.state.Issues)) + 1, Title: got.Title, Text: got.Description, State: "opened"}
	if got.Labels != "" {
		i.Labels = strings.Split(got.Labels, ",")
	}
	s.state.Issues = append(s.state.Issues, i)
	answer(w, http.StatusCreated, s.issueObject(&i))
}

func (s *Server) addIssueNote(w http.ResponseWriter, r *http.Request, args []string) {
	for i := range s.state.Issues {
		one := &s.state.Issues[i]
		if strconv.FormatInt(one.IID, 10) != args[0] {
			continue
		}
		if text, ok := body(w, r); ok {
			n := Note{ID: int64(len(one.Notes)) + 1, By: "project_bot", Body: text}
			one.Notes = append(one.Notes, n)
			answer(w, http.StatusCreated, s.noteObject(&n))
		}
		return
	}
	fail(w, http.StatusNotFound, "404 Issue Not Found")
}
