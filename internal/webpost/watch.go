package webpost

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/notify"
)

// maxSeen is how much of an answer is shown.
const maxSeen = 64 << 10

// Watched is a transport that tells watch what goes over it; with nil it is next
// itself. Headers that authenticate are shown as "***".
func Watched(next http.RoundTripper, watch notify.Watch) http.RoundTripper {
	if watch == nil {
		return next
	}
	return watched{next, watch}
}

type watched struct {
	next  http.RoundTripper
	watch notify.Watch
}

// RoundTrip implements http.RoundTripper.
func (w watched) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil {
		var err error
		if sent, err = io.ReadAll(r.Body); err != nil {
			return nil, err //nolint:wrapcheck // the client wraps it
		}
		_ = r.Body.Close()
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	x := notify.Exchange{
		To:   r.Method + " " + r.URL.String(),
		Sent: headers(r.Header) + "\n" + string(sent),
	}
	res, err := w.next.RoundTrip(r)
	if err != nil {
		x.Got = err.Error()
		w.watch(x)
		return nil, err //nolint:wrapcheck // the client wraps it
	}
	head, _ := io.ReadAll(io.LimitReader(res.Body, maxSeen))
	x.Got = fmt.Sprintf("%s %s\n%s\n%s", res.Proto, res.Status, headers(res.Header), head)
	w.watch(x)
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), res.Body), res.Body}
	return res, nil
}

// headers are headers as text, in order.
func headers(h http.Header) string {
	var out []string
	for name, values := range h {
		for _, v := range values {
			switch strings.ToLower(name) {
			case "authorization", "private-token", "job-token", "x-amz-security-token", "cookie", "set-cookie":
				v = "***"
			}
			out = append(out, name+": "+v+"\n")
		}
	}
	slices.Sort(out)
	return strings.Join(out, "")
}
