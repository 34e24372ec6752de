package lambdad

import (
	"net/http"
)

// Invocation is a call of a function.
type Invocation struct {
	Function, Qualifier string
	Version             string // that runs it
	Payload             []byte
}

// Answer is what a function says.
type Answer struct {
	Payload []byte
	// Error is "Handled" or "Unhandled" for one that failed; "": it did not.
	Error string
}

func (s *Server) invoke(c *call) reply {
	f, r, fail := s.pick(c)
	if fail != nil {
		return refuse(fail)
	}
	if a, is := f.aliases[c.qualifier]; is {
		draw := 0.5
		if s.cfg.Draw != nil {
			draw = s.cfg.Draw()
		}
		r = f.version(a.route(draw))
	}
	if !s.settled(r) && r.State == "Pending" {
		return refuse(conflict("The operation cannot be performed at this time. The function is currently in the following state: Pending"))
	}
	in := Invocation{Function: c.name, Qualifier: c.qualifier, Version: r.Version, Payload: c.body}
	out := Answer{Payload: c.body}
	if s.cfg.Invoke != nil {
		// The test's function may use the service itself.
		s.mu.Unlock()
		out = s.cfg.Invoke(in)
		s.mu.Lock()
	}
	h := map[string]string{"X-Amz-Executed-Version": r.Version}
	if out.Error != "" {
		h["X-Amz-Function-Error"] = out.Error
	}
	return reply{status: http.StatusOK, raw: out.Payload, header: h}
}

// route returns the version that a draw from [0, 1) falls on: the other one gets
// its share from the left.
func (a *alias) route(draw float64) string {
	for version, w := range a.weights() {
		if draw < w {
			return version
		}
	}
	return a.FunctionVersion
}

// Route returns the version that serves a call of an alias for a draw from
// [0, 1); "": there is no such function or alias.
func (s *Server) Route(function, alias string, draw float64) (version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[function]
	if f == nil || f.aliases[alias] == nil {
		return ""
	}
	return f.aliases[alias].route(draw)
}

// Weights returns an alias's version and the shares of others; "": there is none.
func (s *Server) Weights(function, alias string) (version string, others map[string]float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[function]
	if f == nil || f.aliases[alias] == nil {
		return "", nil
	}
	a := f.aliases[alias]
	return a.FunctionVersion, a.weights()
}
