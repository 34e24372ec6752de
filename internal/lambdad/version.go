package lambdad

import (
	"encoding/json"
	"slices"
)

func (s *Server) publishVersion(c *call) reply {
	var in struct {
		CodeSha256  string
		Description *string
		RevisionID  *string `json:"RevisionId"`
	}
	if len(c.body) > 0 {
		if fail := parse(c, &in); fail != nil {
			return refuse(fail)
		}
	}
	f, fail := s.changing(c, in.RevisionID)
	if fail != nil {
		return refuse(fail)
	}
	if in.CodeSha256 != "" && in.CodeSha256 != f.latest.CodeSha256 {
		return refuse(invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", in.CodeSha256, f.latest.CodeSha256))
	}
	return created(s.publish(f, in.Description).configuration)
}

// publish makes a version of what lies unpublished, unless the newest version is
// just that.
func (s *Server) publish(f *function, description *string) *revised {
	if n := len(f.versions); n > 0 && same(f.versions[n-1], f.latest) {
		return f.versions[n-1]
	}
	v := *f.latest
	v.Version = itoa(f.next)
	v.FunctionArn = s.arn(v.FunctionName, v.Version)
	if description != nil {
		v.Description = *description
	}
	f.next++
	f.latest.fails = ""
	s.touch(&v)
	s.fresh(&v, true)
	f.versions = append(f.versions, &v)
	return &v
}

// same says whether two are made of the same code and settings. The description
// is none of them: it may be given when publishing.
func same(a, b *revised) bool {
	bare := func(r *revised) string {
		c := r.configuration
		c.Version, c.FunctionArn, c.RevisionID, c.LastModified, c.Description = "", "", "", "", ""
		c.State, c.StateReason, c.StateReasonCode, c.Update, c.UpdateReason, c.UpdateReasonCode = "", "", "", "", "", ""
		data, _ := json.Marshal(c) //nolint:errchkjson // plain data
		return string(data)
	}
	return bare(a) == bare(b)
}

func (s *Server) listVersions(c *call) reply {
	f, fail := s.find(c)
	if fail != nil {
		return refuse(fail)
	}
	byName := map[string]configuration{"0": f.latest.configuration}
	names := []string{"0"}
	for _, v := range f.versions {
		s.settled(v)
		byName[v.Version] = v.configuration
		names = append(names, v.Version)
	}
	// A marker is the place in the list, of one width so that it sorts.
	for i, n := range names {
		key := pad(n)
		byName[key], names[i] = byName[n], key
	}
	part, next := s.page(c, names)
	out := struct {
		Versions   []configuration
		NextMarker string `json:"NextMarker,omitempty"`
	}{NextMarker: next, Versions: []configuration{}}
	for _, n := range part {
		out.Versions = append(out.Versions, byName[n])
	}
	return ok(out)
}

func pad(version string) string {
	const width = 12
	out := slices.Repeat([]byte{'0'}, max(0, width-len(version)))
	return string(out) + version
}
