package lambdad

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config says how a server behaves. The zero value, with a clock, is a service
// that does everything at once.
type Config struct {
	// Now tells the time.
	Now func() time.Time
	// Region and Account are those of ARNs. "": eu-west-1 and 123456789012.
	Region, Account string
	// Reads and Settle are how long something new or changed is Pending or
	// InProgress: that many reads of it, and that long by the clock.
	Reads  int
	Settle time.Duration
	// Object returns what lies in a bucket; nil: everything does, each object with
	// content of its own.
	Object func(bucket, key, version string) ([]byte, bool)
	// Invoke answers invocations; nil: with the request.
	Invoke func(Invocation) Answer
	// Draw returns a number in [0, 1) for each invocation of an alias; nil: 0.5.
	Draw func() float64
	// Page is the most that one page of a list holds. 0: 50.
	Page int
}

// Server is a local Lambda. It implements http.Handler and is safe for
// concurrent use.
type Server struct {
	cfg Config
	mux *http.ServeMux

	mu        sync.Mutex
	functions map[string]*function
	troubles  []*Trouble
	log       []Request
	ids       int
}

// New returns an empty service.
func New(cfg Config) *Server {
	if cfg.Region == "" {
		cfg.Region = "eu-west-1"
	}
	if cfg.Account == "" {
		cfg.Account = "123456789012"
	}
	if cfg.Page == 0 {
		cfg.Page = 50
	}
	s := &Server{cfg: cfg, mux: http.NewServeMux(), functions: map[string]*function{}}
	for _, r := range routes() {
		s.mux.Handle(r.pattern, s.handle(r))
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		write(w, reply{fail: &failure{http.StatusNotFound, "UnknownOperationException", "there is no " + r.Method + " " + r.URL.Path}})
	})
	return s
}

// route is an operation and where it is. Writes are what Fail counts as such.
type route struct {
	op, pattern string
	write       bool
	do          func(*Server, *call) reply
}

func routes() []route {
	const functions, one = "/2015-03-31/functions", "/2015-03-31/functions/{name}"
	const provisioned = "/2019-09-30/functions/{name}/provisioned-concurrency"
	return []route{
		{"CreateFunction", "POST " + functions, true, (*Server).createFunction},
		{"GetFunction", "GET " + one, false, (*Server).getFunction},
		{"DeleteFunction", "DELETE " + one, true, (*Server).deleteFunction},
		{"GetFunctionConfiguration", "GET " + one + "/configuration", false, (*Server).getConfiguration},
		{"UpdateFunctionConfiguration", "PUT " + one + "/configuration", true, (*Server).updateConfiguration},
		{"UpdateFunctionCode", "PUT " + one + "/code", true, (*Server).updateCode},
		{"PublishVersion", "POST " + one + "/versions", true, (*Server).publishVersion},
		{"ListVersionsByFunction", "GET " + one + "/versions", false, (*Server).listVersions},
		{"CreateAlias", "POST " + one + "/aliases", true, (*Server).createAlias},
		{"ListAliases", "GET " + one + "/aliases", false, (*Server).listAliases},
		{"GetAlias", "GET " + one + "/aliases/{alias}", false, (*Server).getAlias},
		{"UpdateAlias", "PUT " + one + "/aliases/{alias}", true, (*Server).updateAlias},
		{"DeleteAlias", "DELETE " + one + "/aliases/{alias}", true, (*Server).deleteAlias},
		{"Invoke", "POST " + one + "/invocations", false, (*Server).invoke},
		{"PutProvisionedConcurrencyConfig", "PUT " + provisioned, true, (*Server).putProvisioned},
		{"GetProvisionedConcurrencyConfig", "GET " + provisioned, false, (*Server).getProvisioned},
		{"DeleteProvisionedConcurrencyConfig", "DELETE " + provisioned, true, (*Server).deleteProvisioned},
	}
}

// call is a request, taken apart.
type call struct {
	r    *http.Request
	body []byte
	// name is the function's; qualifier what stands behind it in the path or in the
	// query: a version, $LATEST, an alias or nothing.
	name, qualifier string
}

// reply is an answer: one of body, raw and fail.
type reply struct {
	status int
	body   any
	raw    []byte
	header map[string]string
	fail   *failure
}

func ok(body any) reply { return reply{status: http.StatusOK, body: body} }

func created(body any) reply { return reply{status: http.StatusCreated, body: body} }

func refuse(f *failure) reply { return reply{fail: f} }

// maxBody is the largest request the service takes. (Lambda quotas: 50 MB zipped
// by direct upload, in base64.)
const maxBody = 70167211

// ServeHTTP implements http.Handler. Requests need an Authorization header, which
// is not looked at.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Server) handle(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		if err != nil {
			return // the caller is gone
		}
		t := s.trouble(rt)
		if t.Latency > 0 {
			select {
			case <-time.After(t.Latency):
			case <-r.Context().Done():
				return // it gave up before anything was done
			}
		}
		out := s.answer(rt, &call{r: r, body: body}, t)
		s.record(rt, r, body, out)
		if t.LostBefore || t.LostAnswer {
			panic(http.ErrAbortHandler) // net/http drops the connection, and says nothing
		}
		write(w, out)
	})
}

// answer does what is asked, unless trouble comes first.
func (s *Server) answer(rt route, c *call, t Trouble) reply {
	switch {
	case t.LostBefore:
		return reply{}
	case t.Code != "":
		return refuse(&failure{t.Status, t.Code, "made up by the test"})
	case c.r.Header.Get("Authorization") == "":
		return refuse(&failure{http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token"})
	case len(c.body) > maxBody:
		return refuse(&failure{http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "Request must be smaller than 70167211 bytes for the " + rt.op + " operation"})
	}
	c.name, c.qualifier = parseName(c.r.PathValue("name"))
	if q := c.r.URL.Query().Get("Qualifier"); q != "" {
		c.qualifier = q
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return rt.do(s, c)
}

// parseName takes "NAME", "NAME:QUALIFIER", an ARN or a part of one apart.
func parseName(text string) (name, qualifier string) {
	if _, rest, is := strings.Cut(text, "function:"); is {
		text = rest
	}
	name, qualifier, _ = strings.Cut(text, ":")
	return name, qualifier
}

func write(w http.ResponseWriter, out reply) {
	status, data := out.status, out.raw
	h := w.Header()
	h.Set("X-Amzn-Requestid", rand.Text())
	h.Set("Content-Type", "application/json")
	for k, v := range out.header {
		h.Set(k, v)
	}
	switch {
	case out.fail != nil:
		status = out.fail.status
		h.Set("X-Amzn-Errortype", out.fail.code)
		data = out.fail.json()
	case out.body != nil:
		var err error
		if data, err = json.Marshal(out.body); err != nil {
			status, data = http.StatusInternalServerError, []byte(`{"Message":"`+err.Error()+`"}`)
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write(data) // a caller that is gone has no use for it
}

// failure is an error as the service names it.
type failure struct {
	status        int
	code, message string
}

// json is the error's body. The service spells the key of its text in two ways.
func (f *failure) json() []byte {
	key := "message"
	if f.code == "ResourceNotFoundException" {
		key = "Message"
	}
	fields := map[string]string{key: f.message, "Type": "User"}
	if f.status >= http.StatusInternalServerError {
		fields["Type"] = "Service"
	}
	if f.code == "TooManyRequestsException" {
		fields["Reason"] = "CallerRateLimitExceeded"
	}
	data, _ := json.Marshal(fields) //nolint:errchkjson // strings
	return data
}

func invalid(format string, args ...any) *failure {
	return &failure{http.StatusBadRequest, "InvalidParameterValueException", fmt.Sprintf(format, args...)}
}

// unfit is what the service's own shapes refuse, before it looks at anything.
func unfit(value any, at, constraint string) *failure {
	return &failure{
		http.StatusBadRequest, "ValidationException",
		fmt.Sprintf("1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: %s", value, at, constraint),
	}
}

func conflict(format string, args ...any) *failure {
	return &failure{http.StatusConflict, "ResourceConflictException", fmt.Sprintf(format, args...)}
}

func missing(format string, args ...any) *failure {
	return &failure{http.StatusNotFound, "ResourceNotFoundException", fmt.Sprintf(format, args...)}
}

func stale(of string) *failure {
	return &failure{
		http.StatusPreconditionFailed, "PreconditionFailedException",
		"The Revision Id provided does not match the latest Revision Id. Call the " + of + " API to retrieve the latest Revision Id",
	}
}

// parse reads a request's body.
func parse(c *call, into any) *failure {
	if err := json.Unmarshal(c.body, into); err != nil {
		return &failure{http.StatusBadRequest, "InvalidRequestContentException", "Could not parse request body into json: " + err.Error()}
	}
	return nil
}

// revision returns a new revision id.
func (s *Server) revision() string {
	s.ids++
	return fmt.Sprintf("%08x-0000-4000-8000-000000000000", s.ids)
}

// page cuts a sorted list at a marker and at the most that is asked for.
func (s *Server) page(c *call, names []string) (part []string, next string) {
	q := c.r.URL.Query()
	if m := q.Get("Marker"); m != "" {
		i, _ := slices.BinarySearch(names, m)
		names = names[min(i, len(names)):]
	}
	most := s.cfg.Page
	if text := q.Get("MaxItems"); text != "" {
		n := 0
		if _, err := fmt.Sscan(text, &n); err == nil && n > 0 {
			most = min(most, n)
		}
	}
	if len(names) <= most {
		return names, ""
	}
	return names[:most], names[most]
}
