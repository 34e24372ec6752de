package cli_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// receiver starts the other side of targets that speak HTTP and names it in
// RECEIVER: what is posted to /limited is too much, to /refused is refused, and
// the rest is taken.
func receiver(ts *testscript.TestScript, _ bool, _ []string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch {
		case strings.HasPrefix(r.URL.Path, "/limited"):
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
		case strings.HasPrefix(r.URL.Path, "/refused"):
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprint(w, `{"status":"invalid event","errors":["no such key"]}`)
		default:
			_, _ = fmt.Fprint(w, "ok")
		}
	}))
	ts.Defer(server.Close)
	ts.Setenv("RECEIVER", server.URL)
}
