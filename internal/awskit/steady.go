package awskit

import (
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"gitlab.com/nines-sre/nines/telemetry/awssdk"
)

// Steadied returns a configuration whose client is a steady one, and whose calls
// are spans where the context carries one: on Lambda, and nowhere else. It is for
// the end, when all else is read: AWS_CA_BUNDLE belongs to the client inside.
func Steadied(cfg aws.Config) aws.Config {
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = awshttp.NewBuildableClient()
	}
	cfg.HTTPClient = Steady(cfg.HTTPClient)
	awssdk.Instrument(&cfg.APIOptions, nil)
	return cfg
}

// Steady returns a client that never writes a request's body by the body's own
// WriteTo. The SDK closes a body as soon as the answer begins; its WriteTo then
// says io.EOF where it should say nothing, and net/http takes that for a request
// that failed and closes the connection below an answer that is still being
// read ("use of closed network connection"). It happens to requests above 4 KB
// whose sender is slower than the answer. (smithy-go 1.28.8.)
func Steady(c aws.HTTPClient) aws.HTTPClient { return steady{c} } //nolint:ireturn // it stands in for what it wraps

type steady struct{ aws.HTTPClient }

// Do implements aws.HTTPClient.
func (s steady) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return s.HTTPClient.Do(r)
}
