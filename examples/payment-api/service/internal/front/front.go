// Package front stands before the versions of the payment API and sends each
// request to one of them, by chance and by weight: what an alias of Lambda or a
// load balancer does. How the traffic lies is read and changed over HTTP, each
// change with the revision that it was decided on.
package front

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"
)

// Split is how the traffic lies, in the words of the program that nines asks.
type Split struct {
	Stable string  `json:"stable"`
	Canary string  `json:"canary,omitempty"`
	Weight float64 `json:"weight,omitempty"` // the canary's share, 0 to 1
	// Revision changes with every change; a change has to name the one before.
	Revision string `json:"revision"`
}

// Front is the front. It is safe for concurrent use.
type Front struct {
	draw   func() float64
	behind map[string]*httputil.ReverseProxy

	mu    sync.Mutex
	split Split
	moves int
}

// New returns a front with all of the traffic at one of the versions. draw returns
// numbers from 0 to below 1.
func New(versions map[string]*url.URL, stable string, draw func() float64) *Front {
	f := &Front{draw: draw, behind: map[string]*httputil.ReverseProxy{}, split: Split{Stable: stable, Revision: "0"}}
	for name, at := range versions {
		f.behind[name] = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) }}
	}
	return f
}

// ServeHTTP implements http.Handler: it is what clients call.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	version := f.split.Stable
	if f.split.Canary != "" && f.draw() < f.split.Weight {
		version = f.split.Canary
	}
	f.mu.Unlock()
	f.behind[version].ServeHTTP(w, r)
}

// Admin reads and changes the split: GET and PUT /split.
func (f *Front) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /split", func(w http.ResponseWriter, _ *http.Request) { f.answer(w) })
	mux.HandleFunc("PUT /split", func(w http.ResponseWriter, r *http.Request) {
		var want Split
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<12)).Decode(&want); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if status, err := f.move(want); err != nil {
			http.Error(w, err.Error(), status)
			return
		}
		f.answer(w)
	})
	return mux
}

func (f *Front) answer(w http.ResponseWriter) {
	f.mu.Lock()
	now := f.split
	f.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(now) // the client has gone
}

// move changes the split.
func (f *Front) move(want Split) (status int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, v := range []string{want.Stable, want.Canary} {
		if v != "" && f.behind[v] == nil || want.Stable == "" {
			return http.StatusBadRequest, fmt.Errorf("there is no version %q", v)
		}
	}
	if !(want.Weight >= 0 && want.Weight <= 1) {
		return http.StatusBadRequest, fmt.Errorf("%v is no share", want.Weight)
	}
	if want.Revision != f.split.Revision {
		return http.StatusConflict, fmt.Errorf("it is at revision %s, not at %q: somebody else has moved the traffic", f.split.Revision, want.Revision)
	}
	f.moves++
	want.Revision = strconv.Itoa(f.moves)
	f.split = want
	return 0, nil
}
