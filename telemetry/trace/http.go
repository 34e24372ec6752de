package trace

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/awscreds"
	"gitlab.com/nines-sre/nines/telemetry/internal/sigv4"
)

// Credentials are keys to AWS. Expires is zero when they do not, as far as is known.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Expires                                    time.Time
}

// CredentialsFunc fetches credentials. What it returns is kept until five minutes
// before it expires; it is called by one goroutine at a time.
type CredentialsFunc func(ctx context.Context) (Credentials, error)

// HTTPExporter sends spans as OTLP over HTTP. See [NewOTLP] and [NewXRay].
type HTTPExporter struct {
	endpoint string // "": X-Ray's of the region, once that is known
	header   http.Header
	client   *http.Client
	patience time.Duration
	now      func() time.Time
	getenv   func(string) string
	plain    bool // no gzip

	signed bool
	region string
	creds  awscreds.Cache
	fetch  CredentialsFunc

	mu     sync.Mutex // held by one Export at a time
	signer *sigv4.Signer
	enc    otlp
	zip    *gzip.Writer
	zipped bytes.Buffer
}

// SendOption configures an [HTTPExporter].
type SendOption func(*HTTPExporter)

// Endpoint replaces the address, a URL with its path.
func Endpoint(address string) SendOption { return func(e *HTTPExporter) { e.endpoint = address } }

// WithHeaders adds headers to each request, besides those of
// OTEL_EXPORTER_OTLP_TRACES_HEADERS or OTEL_EXPORTER_OTLP_HEADERS.
func WithHeaders(h map[string]string) SendOption {
	return func(e *HTTPExporter) {
		for name, value := range h {
			e.header.Set(name, value)
		}
	}
}

// WithCredentials takes credentials from f, not from where AWS puts them: the
// environment, a container's endpoint, an instance's metadata.
func WithCredentials(f CredentialsFunc) SendOption { return func(e *HTTPExporter) { e.fetch = f } }

// WithHTTPClient replaces the client. It must not be one that traces its requests.
func WithHTTPClient(c *http.Client) SendOption { return func(e *HTTPExporter) { e.client = c } }

// WithoutGzip sends requests as they are; unless said they are compressed from 1 KB.
func WithoutGzip() SendOption { return func(e *HTTPExporter) { e.plain = true } }

// WithPatience bounds how long one request is tried, again and again; 10 s unless
// said. The context of Flush bounds it too.
func WithPatience(d time.Duration) SendOption { return func(e *HTTPExporter) { e.patience = d } }

// send gives an exporter what its tracer was given.
func (c *config) send(e *HTTPExporter) { e.getenv, e.now = c.get, c.clock }

// NewOTLP sends to an endpoint of OpenTelemetry: http://localhost:4318/v1/traces.
func NewOTLP(endpoint string, opts ...SendOption) (*HTTPExporter, error) {
	e, err := newHTTP(append([]SendOption{Endpoint(endpoint)}, opts...))
	if err == nil && e.endpoint == "" {
		err = errors.New("trace: OTLP: no endpoint; give a URL such as http://localhost:4318/v1/traces")
	}
	if err != nil {
		return nil, err
	}
	return e, e.environment()
}

// NewXRay sends to X-Ray's own endpoint of a region, https://xray.REGION.amazonaws.com/v1/traces,
// signed. "": AWS_REGION, or else the region of the instance. The role needs
// xray:PutTraceSegments (the managed policy AWSXrayWriteOnlyAccess has it), and
// X-Ray needs Transaction Search to be on.
func NewXRay(region string, opts ...SendOption) (*HTTPExporter, error) {
	e, err := newHTTP(opts)
	if err != nil {
		return nil, err
	}
	e.signed, e.region = true, region
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if e.region == "" {
			e.region = e.getenv(name)
		}
	}
	if strings.Trim(e.region, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return nil, fmt.Errorf("trace: XRay: %q is no region; want one such as eu-west-1", e.region)
	}
	chain := &awscreds.Chain{Getenv: e.getenv}
	e.creds = awscreds.Cache{Now: e.now, Fetch: chain.Fetch}
	if fetch := e.fetch; fetch != nil {
		e.creds.Fetch = func(ctx context.Context) (awscreds.Credentials, error) {
			c, err := fetch(ctx)
			return awscreds.Credentials(c), err
		}
	}
	return e, nil
}

func newHTTP(opts []SendOption) (*HTTPExporter, error) {
	e := &HTTPExporter{
		header: http.Header{}, patience: 10 * time.Second,
		now: time.Now, getenv: os.Getenv,
	}
	for _, opt := range opts {
		opt(e)
	}
	if e.endpoint == "" {
		return e, nil
	}
	u, err := url.Parse(e.endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("trace: endpoint %q: want a URL such as https://collector.example.com/v1/traces", e.endpoint)
	}
	return e, nil
}

// environment reads headers and compression from OpenTelemetry's variables.
func (e *HTTPExporter) environment() error {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"} {
		if v := e.getenv(name); v != "" {
			e.plain = v == "none"
			break
		}
	}
	name := "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
	list := e.getenv(name)
	if list == "" {
		name = "OTEL_EXPORTER_OTLP_HEADERS"
		list = e.getenv(name)
	}
	for pair := range strings.SplitSeq(list, ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		plain, err := url.PathUnescape(strings.TrimSpace(value))
		if key = strings.TrimSpace(key); !ok || key == "" || err != nil || !passable(plain) {
			return fmt.Errorf("%s: want name=value,name=value, percent-encoded where needed", name) // no value: it may be a secret
		}
		if e.header.Get(key) == "" {
			e.header.Set(key, plain)
		}
	}
	return nil
}

// Export sends the batch in as many requests as X-Ray's limits ask for.
func (e *HTTPExporter) Export(ctx context.Context, b *Batch) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var lost tally
	e.enc.requests(b, e.now(), &lost, func(body []byte, spans int) {
		e.post(ctx, body, spans, &lost)
	})
	return lost.result()
}

// resolve makes what can only be made when a region is known.
func (e *HTTPExporter) resolve(ctx context.Context) error {
	if e.client == nil {
		e.client = &http.Client{
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConns: 2,
				IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 5 * time.Second,
			},
			// A signature is for one address.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	if !e.signed || e.signer != nil {
		return nil
	}
	if e.region == "" {
		region, err := (&awscreds.Chain{Getenv: e.getenv}).Region(ctx)
		if err != nil || region == "" {
			return fmt.Errorf("trace: X-Ray's region is not known: AWS_REGION is not set, and the instance's metadata: %w; give one to XRay", err)
		}
		e.region = region
	}
	if e.endpoint == "" {
		domain := "amazonaws.com"
		if strings.HasPrefix(e.region, "cn-") {
			domain = "amazonaws.com.cn"
		}
		e.endpoint = "https://xray." + e.region + "." + domain + "/v1/traces"
	}
	e.signer = &sigv4.Signer{Region: e.region, Service: "xray"}
	return nil
}

// request makes one attempt's request.
func (e *HTTPExporter) request(ctx context.Context, body []byte, zipped bool) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("trace: endpoint: %w", err)
	}
	for name, values := range e.header {
		r.Header[name] = slices.Clone(values)
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("User-Agent", "nines-telemetry")
	if zipped {
		r.Header.Set("Content-Encoding", "gzip")
	}
	if !e.signed {
		return r, nil
	}
	c, err := e.creds.Get(ctx)
	if err != nil {
		return nil, fmt.Errorf("trace: X-Ray wants a signature: %w", err)
	}
	e.signer.Sign(r, body, sigv4.Keys{ID: c.AccessKeyID, Secret: c.SecretAccessKey, Token: c.SessionToken}, e.now())
	return r, nil
}

// compress returns the body as it is sent.
func (e *HTTPExporter) compress(body []byte) ([]byte, bool) {
	if e.plain || len(body) < 1024 {
		return body, false
	}
	e.zipped.Reset()
	if e.zip == nil {
		e.zip, _ = gzip.NewWriterLevel(&e.zipped, gzip.BestSpeed)
	} else {
		e.zip.Reset(&e.zipped)
	}
	if _, err := e.zip.Write(body); err != nil {
		return body, false
	}
	if err := e.zip.Close(); err != nil {
		return body, false
	}
	return e.zipped.Bytes(), true
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// answer does one attempt.
func (e *HTTPExporter) answer(r *http.Request) (status int, body []byte, after string, err error) {
	resp, err := e.client.Do(r)
	if err != nil {
		return 0, nil, "", fmt.Errorf("trace: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil && resp.StatusCode/100 == 2 {
		err = nil // it was taken; what it said besides is lost
	}
	if err != nil {
		err = fmt.Errorf("trace: the endpoint's answer: %w", err)
	}
	return resp.StatusCode, body, resp.Header.Get("Retry-After"), err
}
