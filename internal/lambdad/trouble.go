package lambdad

import (
	"net/http"
	"slices"
	"time"
)

// Trouble is what happens to some requests.
type Trouble struct {
	// Op is the operation it happens to: "UpdateAlias", "write" for all that write,
	// "" for all.
	Op string
	// Times is how many requests it happens to.
	Times int
	// Status and Code are the answer, instead of doing anything.
	Status int
	Code   string
	// LostBefore drops the connection before anything is done, LostAnswer after.
	LostBefore, LostAnswer bool
	// Latency is waited before anything is done.
	Latency time.Duration
}

// Throttle is a refusal because of too many calls.
func Throttle(op string, times int) Trouble {
	return Trouble{Op: op, Times: times, Status: http.StatusTooManyRequests, Code: "TooManyRequestsException"}
}

// Break is a failure of the service.
func Break(op string, times int) Trouble {
	return Trouble{Op: op, Times: times, Status: http.StatusServiceUnavailable, Code: "ServiceUnavailableException"}
}

// Deny is the refusal of a caller that may not.
func Deny(op string, times int) Trouble {
	return Trouble{Op: op, Times: times, Status: http.StatusForbidden, Code: "AccessDeniedException"}
}

// Fail makes trouble, behind what was asked for before.
func (s *Server) Fail(t Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.troubles = append(s.troubles, &t)
}

// Heal ends all trouble.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.troubles = nil
}

// trouble returns what happens to a request.
func (s *Server) trouble(rt route) Trouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, t := range s.troubles {
		if t.Op != "" && t.Op != rt.op && (t.Op != "write" || !rt.write) {
			continue
		}
		if t.Times--; t.Times <= 0 {
			s.troubles = slices.Delete(s.troubles, i, i+1)
		}
		return *t
	}
	return Trouble{}
}

// Request is a line of the log.
type Request struct {
	Op, Method, Path, Query, Body string
	// Status and Code are what was answered; Status is 0 where nothing was done.
	Status int
	Code   string
	Write  bool
}

func (s *Server) record(rt route, r *http.Request, body []byte, out reply) {
	line := Request{Op: rt.op, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Status: out.status, Write: rt.write}
	if len(body) <= 4<<10 {
		line.Body = string(body)
	}
	if out.fail != nil {
		line.Status, line.Code = out.fail.status, out.fail.code
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, line)
}

// Requests returns the log, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// Writes counts the writes that were done.
func (s *Server) Writes() (n int) {
	for _, r := range s.Requests() {
		if r.Write && r.Status/100 == 2 {
			n++
		}
	}
	return n
}
