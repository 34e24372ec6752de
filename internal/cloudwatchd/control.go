package cloudwatchd

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// controlPrefix is where the server itself is told what to do.
const controlPrefix = "/_nines/"

// ClockState is the clock as its endpoint shows it.
type ClockState struct {
	Now    time.Time `json:"now"`
	Frozen bool      `json:"frozen"`
}

// clockChange is what POST /_nines/clock takes; one member at a time.
type clockChange struct {
	Freeze  *time.Time `json:"freeze"`
	Set     *time.Time `json:"set"`
	Advance *Delay     `json:"advance"`
	Release bool       `json:"release"`
}

// serveControl answers, in JSON:
//
//	GET    /_nines/clock              the server's time
//	POST   /_nines/clock              {"freeze": T} {"set": T} {"advance": "1h"} {"release": true}
//	GET    /_nines/faults             the faults in force
//	POST   /_nines/faults             adds a Fault, or a list of them
//	DELETE /_nines/faults             removes them
//	GET    /_nines/requests           totals and the newest requests
//	DELETE /_nines/requests           forgets them
//	GET    /_nines/emf                counts of metric lines
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	what := strings.TrimPrefix(r.URL.Path, controlPrefix)
	answer, err := s.control(what, r)
	switch {
	case errors.Is(err, errNoEndpoint):
		writeJSON(w, http.StatusNotFound, map[string]string{"error": "no such endpoint: " + r.Method + " " + r.URL.Path})
	case err != nil:
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
	default:
		writeJSON(w, http.StatusOK, answer)
	}
}

var errNoEndpoint = errors.New("no such endpoint")

func (s *Server) control(what string, r *http.Request) (any, error) {
	switch r.Method + " " + what {
	case "GET clock":
		return s.ClockState(), nil
	case "POST clock":
		return s.changeClock(r)
	case "GET faults":
		return s.Faults(), nil
	case "POST faults":
		return s.addFaults(r)
	case "DELETE faults":
		s.ClearFaults()
		return s.Faults(), nil
	case "GET requests":
		return map[string]any{"totals": s.Totals(), "requests": s.Requests()}, nil
	case "DELETE requests":
		s.ResetTotals()
		return map[string]any{"totals": s.Totals()}, nil
	case "GET emf":
		return s.EMFTotals(), nil
	}
	return nil, errNoEndpoint
}

// ClockState is the clock as it is.
func (s *Server) ClockState() ClockState {
	return ClockState{Now: s.clock.Now().UTC(), Frozen: s.clock.Frozen()}
}

func decodeStrict(r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxLine))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

func (s *Server) changeClock(r *http.Request) (any, error) {
	var c clockChange
	if err := decodeStrict(r, &c); err != nil {
		return nil, fmt.Errorf("the clock takes freeze, set, advance or release: %w", err)
	}
	given := 0
	for _, is := range []bool{c.Freeze != nil, c.Set != nil, c.Advance != nil, c.Release} {
		if is {
			given++
		}
	}
	if given != 1 {
		return nil, errors.New("the clock takes exactly one of freeze, set, advance and release")
	}
	switch {
	case c.Freeze != nil:
		s.clock.Freeze(*c.Freeze)
	case c.Set != nil:
		s.clock.Set(*c.Set)
	case c.Advance != nil:
		s.clock.Advance(c.Advance.Duration())
	default:
		s.clock.Release()
	}
	return s.ClockState(), nil
}

func (s *Server) addFaults(r *http.Request) (any, error) {
	var raw json.RawMessage
	if err := decodeStrict(r, &raw); err != nil {
		return nil, err
	}
	if len(raw) > 0 && raw[0] != '[' {
		raw = append(append(json.RawMessage("["), raw...), ']')
	}
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	var all []Fault
	if err := d.Decode(&all); err != nil {
		return nil, fmt.Errorf("not a fault: %w", err)
	}
	for _, f := range all {
		if err := f.check(); err != nil {
			return nil, err
		}
	}
	for _, f := range all {
		if err := s.Inject(f); err != nil {
			return nil, err
		}
	}
	return s.Faults(), nil
}
