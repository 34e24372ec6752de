// Package gitlabapi speaks the few parts of GitLab's REST API (version 4) that
// Nines needs: a dozen calls about one project. It is written out instead of
// taking the official client, which would make the program larger by a sixth
// for them; tests drive the same double with both.
//
// A job's own token may read branches, tags, deployments and merge requests,
// but not who set a label, and it may write nothing; a project access token
// may do all of it.
package gitlabapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
)

const (
	maxBody  = 8 << 20
	perPage  = 100
	maxPages = 30
	tries    = 3
)

// Options say which project to speak of, and as whom. Token (an access token)
// is used where there is one, JobToken otherwise.
type Options struct {
	URL      string // "https://gitlab.example.com"
	Project  string // path or number
	Token    string
	JobToken string
	HTTP     *http.Client // nil: one with a timeout of ten seconds
	// Wait is called between tries; nil: it waits, unless the context ends.
	Wait func(context.Context, time.Duration) error
}

// Client speaks of one project. It is safe for concurrent use.
type Client struct {
	opt  Options
	http *http.Client
}

// New returns a client; Invalid for an address that tokens must not be sent to.
func New(opt Options) (*Client, error) {
	u, err := url.Parse(opt.URL)
	local := err == nil && (u.Hostname() == "localhost" || strings.HasPrefix(u.Hostname(), "127."))
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "":
		return nil, fault.New(fault.Invalid, fmt.Sprintf("GitLab at %q", opt.URL), "it is not an address", "write one like https://gitlab.example.com")
	case u.Scheme != "https" && (u.Scheme != "http" || !local):
		return nil, fault.New(fault.Invalid, "GitLab at "+opt.URL, "tokens are not sent unencrypted", "use https")
	case opt.Project == "":
		return nil, fault.New(fault.Invalid, "GitLab at "+opt.URL, "no project is named", "name its path or its number")
	}
	base := opt.HTTP
	if base == nil {
		base = &http.Client{Timeout: 10 * time.Second}
	}
	c := *base
	// A token in a header of its own would go along to wherever a redirect leads.
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	opt.URL = strings.TrimSuffix(opt.URL, "/")
	if opt.Wait == nil {
		opt.Wait = wait
	}
	return &Client{opt: opt, http: &c}, nil
}

// Writes says whether the client has a token that may write.
func (c *Client) Writes() bool { return c.opt.Token != "" }

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// call is one request: its path below the project, its parameters, a body.
type call struct {
	method string
	path   string
	query  url.Values
	body   any
}

// do sends a call and decodes the answer. What may go by itself is tried three
// times; a call that writes only where nothing was written.
func (c *Client) do(ctx context.Context, q call, into any) (http.Header, error) {
	op := "GitLab, " + q.path
	var body []byte
	if q.body != nil {
		var err error
		if body, err = json.Marshal(q.body); err != nil {
			return nil, fault.Wrap(fault.Internal, op, err, "")
		}
	}
	for n := 1; ; n++ {
		header, err := c.once(ctx, q, body, into)
		kind := fault.KindOf(err)
		again := kind == fault.Throttled || kind == fault.Unavailable && q.method == http.MethodGet
		if err == nil || n == tries || !again {
			return header, err
		}
		if err := c.opt.Wait(ctx, time.Duration(n)*300*time.Millisecond); err != nil {
			return nil, fault.Wrap(fault.Canceled, op, err, "")
		}
	}
}

func (c *Client) once(ctx context.Context, q call, body []byte, into any) (http.Header, error) {
	op := "GitLab, " + q.path
	address := c.opt.URL + "/api/v4/projects/" + url.PathEscape(c.opt.Project) + "/" + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, q.method, address, bytes.NewReader(body))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err, "")
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	switch {
	case c.opt.Token != "":
		req.Header.Set("PRIVATE-TOKEN", c.opt.Token)
	case c.opt.JobToken != "":
		req.Header.Set("JOB-TOKEN", c.opt.JobToken)
	}
	res, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fault.Wrap(fault.Canceled, op, ctx.Err(), "")
		}
		return nil, fault.Wrap(fault.Unavailable, op, err, "")
	}
	defer res.Body.Close() //nolint:errcheck // nothing was written to it
	data, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, fault.Wrap(fault.Unavailable, op, err, "")
	case len(data) > maxBody:
		return nil, fault.New(fault.Unavailable, op, "the answer has no end", "")
	case res.StatusCode < 200 || res.StatusCode > 299:
		return nil, refused(op, res.StatusCode, data)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return nil, fault.New(fault.Unavailable, op, "the answer is no JSON: "+err.Error(), "is there a proxy or a login page in between?")
	}
	return res.Header, nil
}

// refused classifies a status, with GitLab's own words.
func refused(op string, status int, data []byte) error {
	var said struct {
		Message any `json:"message"`
		Error   any `json:"error"`
	}
	text := strconv.Itoa(status) + " " + http.StatusText(status)
	if json.Unmarshal(data, &said) == nil {
		for _, m := range []any{said.Message, said.Error} {
			if m != nil {
				text = clip(fmt.Sprintf("%d: %v", status, m))
				break
			}
		}
	}
	kind, hint := fault.Unavailable, ""
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		kind, hint = fault.Denied, "a job's own token may not do this: give the job a project access token"
	case status == http.StatusNotFound:
		kind = fault.NotFound
	case status == http.StatusTooManyRequests:
		kind = fault.Throttled
	case status == http.StatusConflict:
		kind = fault.Conflict
	case status < 500:
		kind = fault.Internal
	}
	return fault.New(kind, op, text, hint)
}

func clip(s string) string {
	const most = 200
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// pages reads a list, page by page, until visit returns false. More pages than
// anybody has are an error, not an end.
func pages[T any](ctx context.Context, c *Client, path string, query url.Values, visit func(T) bool) error {
	page := "1"
	for range maxPages {
		q := url.Values{"per_page": {strconv.Itoa(perPage)}, "page": {page}}
		maps.Copy(q, query)
		var got []T
		header, err := c.do(ctx, call{method: http.MethodGet, path: path, query: q}, &got)
		if err != nil {
			return err
		}
		for _, v := range got {
			if !visit(v) {
				return nil
			}
		}
		if page = header.Get("X-Next-Page"); page == "" || len(got) == 0 {
			return nil
		}
	}
	return fault.New(fault.Full, "GitLab, "+path, fmt.Sprintf("there are more than %d of them", perPage*maxPages), "")
}
