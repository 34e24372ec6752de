package cloudwatchd

import (
	"net/http"
	"strings"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

// caller reads account and region out of a request's signature. The signature
// itself is not checked: whoever reaches the port may read and write.
func (s *Server) caller(r *http.Request) store.Place {
	p := store.Place{Account: s.cfg.Account, Region: s.cfg.Region}
	scope := r.URL.Query().Get("X-Amz-Credential")
	if _, after, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		scope, _, _ = strings.Cut(after, ",")
	}
	// AKID/20260102/eu-west-1/monitoring/aws4_request
	parts := strings.Split(strings.TrimSpace(scope), "/")
	if len(parts) < 5 {
		return p
	}
	if isAccount(parts[0]) {
		p.Account = parts[0]
	}
	if region := parts[len(parts)-3]; region != "" {
		p.Region = region
	}
	return p
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// Place is an account and a region.
type Place = store.Place

// Home is the place of callers who sign with nothing that names another.
func (s *Server) Home() Place { return Place{Account: s.cfg.Account, Region: s.cfg.Region} }
