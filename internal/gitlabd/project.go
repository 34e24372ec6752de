package gitlabd

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object as the API prints it.
type object = map[string]any

func (s *Server) branches(w http.ResponseWriter, r *http.Request, _ []string) {
	page(w, r, refs(s.state.Branches, r.URL.Query().Get("search")))
}

func (s *Server) tags(w http.ResponseWriter, r *http.Request, _ []string) {
	page(w, r, refs(s.state.Tags, r.URL.Query().Get("search")))
}

// refs selects by "search": ^ binds it to the beginning, $ to the end.
func refs(all []Ref, search string) []object {
	out := []object{}
	for _, ref := range all {
		word, begins := strings.CutPrefix(search, "^")
		word, ends := strings.CutSuffix(word, "$")
		if !strings.Contains(ref.Name, word) || begins && !strings.HasPrefix(ref.Name, word) || ends && !strings.HasSuffix(ref.Name, word) {
			continue
		}
		out = append(out, object{
			"name": ref.Name, "protected": ref.Protected, "merged": false, "default": ref.Name == "main",
			"commit": object{"id": ref.Commit, "short_id": ref.Commit[:min(8, len(ref.Commit))], "title": "a commit"},
		})
	}
	return out
}

// user prints somebody; an unknown login has no number.
func (s *Server) user(login string) object {
	for _, m := range s.state.Members {
		if m.Login == login {
			return object{"id": m.ID, "username": m.Login, "name": m.Login, "state": "active"}
		}
	}
	return object{"id": 0, "username": login, "name": login, "state": "active"}
}

func (s *Server) member(w http.ResponseWriter, _ *http.Request, args []string) {
	for _, m := range s.state.Members {
		if strconv.FormatInt(m.ID, 10) == args[0] && m.Level > 0 {
			out := s.user(m.Login)
			out["access_level"] = m.Level
			answer(w, http.StatusOK, out)
			return
		}
	}
	fail(w, http.StatusNotFound, "404 Not found")
}

func (s *Server) deployments(w http.ResponseWriter, r *http.Request, _ []string) {
	q := r.URL.Query()
	var all []Deployment
	for _, d := range s.state.Deployments {
		if (q.Get("environment") == "" || q.Get("environment") == d.Environment) && (q.Get("status") == "" || q.Get("status") == d.Status) {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b Deployment) int { return int(a.ID - b.ID) })
	if q.Get("sort") == "desc" {
		slices.Reverse(all)
	}
	out := []object{}
	for i := range all {
		out = append(out, s.deploymentObject(&all[i]))
	}
	page(w, r, out)
}

func (s *Server) deploymentObject(d *Deployment) object {
	out := object{
		"id": d.ID, "iid": d.ID, "sha": d.Commit, "ref": d.Ref, "status": d.Status, "created_at": d.At, "updated_at": d.At,
		"environment": object{"id": 1, "name": d.Environment}, "deployable": nil, "user": s.user("project_bot"),
	}
	if d.Job != 0 {
		out["deployable"] = s.jobObject(d)
	}
	return out
}

func (s *Server) deployment(w http.ResponseWriter, _ *http.Request, args []string) {
	for i := range s.state.Deployments {
		d := &s.state.Deployments[i]
		if strconv.FormatInt(d.ID, 10) != args[0] {
			continue
		}
		out := s.deploymentObject(d)
		list := []object{}
		for _, a := range d.Approvals {
			list = append(list, object{"user": s.user(a.By), "status": a.Status, "comment": a.Comment, "created_at": a.At})
		}
		out["approvals"], out["pending_approval_count"] = list, 0
		answer(w, http.StatusOK, out)
		return
	}
	fail(w, http.StatusNotFound, "404 Deployment Not Found")
}

// addDeployment is the call by which anything can be said to have been
// deployed; a job's token may make it, and no job stands behind it.
func (s *Server) addDeployment(w http.ResponseWriter, r *http.Request, _ []string) {
	var got struct {
		Environment, SHA, Ref, Status string
		Tag                           bool
	}
	if !read(w, r, &got) {
		return
	}
	d := Deployment{
		ID: int64(len(s.state.Deployments)) + 1000, Commit: got.SHA, Ref: got.Ref, Tag: got.Tag,
		Environment: got.Environment, Status: got.Status, At: time.Unix(0, 0).UTC(),
	}
	s.state.Deployments = append(s.state.Deployments, d)
	answer(w, http.StatusCreated, s.deploymentObject(&d))
}

// read reads a body: JSON, or a form as curl sends it.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	const most = 2 << 20
	body := http.MaxBytesReader(w, r.Body, most)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		if err := json.NewDecoder(body).Decode(into); err != nil {
			fail(w, http.StatusBadRequest, "400 Bad request: "+err.Error())
			return false
		}
		return true
	}
	r.Body = body
	if err := r.ParseForm(); err != nil {
		fail(w, http.StatusBadRequest, "400 Bad request")
		return false
	}
	form := object{}
	for k, v := range r.Form {
		form[k] = v[0]
	}
	data, _ := json.Marshal(form)
	_ = json.Unmarshal(data, into)
	return true
}
