package awssdk_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/telemetry/awssdk"
	"gitlab.com/nines-sre/nines/telemetry/internal/sigv4"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

type kept struct {
	mu   sync.Mutex
	list []seen
}

type seen struct {
	name   string
	kind   trace.Kind
	status trace.Status
	parent trace.SpanID
	id     trace.SpanID
	attrs  map[string]string
	errs   []trace.Failure
}

func (k *kept) Export(_ context.Context, b *trace.Batch) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range b.Records {
		s := seen{name: r.Name, kind: r.Kind, status: r.Status, parent: r.Parent, id: r.ID, attrs: map[string]string{}, errs: append([]trace.Failure(nil), r.Failures...)}
		for _, a := range r.Attributes {
			s.attrs[a.Key] = a.Value.String()
		}
		k.list = append(k.list, s)
	}
	return nil
}

type static struct{}

func (static) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: "token", CanExpire: true, Expires: time.Unix(2e9, 0)}, nil
}

// aws starts a service that answers as f does, and gives a configuration for it.
func setUp(t *testing.T, f http.HandlerFunc) (aws.Config, *trace.Tracer, *kept) {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	k := &kept{}
	tr, err := trace.New(trace.ToExporter(k), trace.WithRate(1), trace.WithInterval(0))
	if err != nil {
		t.Fatal(err)
	}
	cfg := aws.Config{
		Region: "eu-west-1", BaseEndpoint: &s.URL, Credentials: static{}, HTTPClient: s.Client(),
		RetryMaxAttempts: 3, Retryer: func() aws.Retryer { return quick{aws.NopRetryer{}} },
	}
	awssdk.Instrument(&cfg.APIOptions, tr)
	return cfg, tr, k
}

// quick tries three times without a wait.
type quick struct{ aws.NopRetryer }

func (quick) IsErrorRetryable(err error) bool {
	var status interface{ HTTPStatusCode() int }
	return errors.As(err, &status) && (status.HTTPStatusCode() >= 500 || status.HTTPStatusCode() == 400 && strings.Contains(err.Error(), "Throttl"))
}
func (quick) MaxAttempts() int                             { return 3 }
func (quick) RetryDelay(int, error) (time.Duration, error) { return 0, nil }
func (quick) GetRetryToken(context.Context, error) (func(error) error, error) {
	return func(error) error { return nil }, nil
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amzn-RequestId", "REQ-1")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func TestCalls(t *testing.T) {
	for name, c := range map[string]struct {
		answers []int
		body    string
		call    func(ctx context.Context, cfg aws.Config) error
		want    seen
	}{
		"dynamodb": {
			[]int{200},
			`{}`,
			func(ctx context.Context, cfg aws.Config) error {
				_, err := dynamodb.NewFromConfig(cfg).GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("orders"), Key: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: "1"}}})
				return err
			},
			seen{name: "DynamoDB", attrs: map[string]string{"rpc.method": "GetItem", "aws.dynamodb.table_names": "[orders]", "aws.retries": "0", "http.response.status_code": "200", "aws.request_id": "REQ-1"}},
		},
		"dynamodb, tried again": {
			[]int{500, 503, 200},
			`{}`,
			func(ctx context.Context, cfg aws.Config) error {
				_, err := dynamodb.NewFromConfig(cfg).ListTables(ctx, &dynamodb.ListTablesInput{})
				return err
			},
			seen{name: "DynamoDB", attrs: map[string]string{"rpc.method": "ListTables", "aws.retries": "2", "http.response.status_code": "200"}},
		},
		"dynamodb, throttled": {
			[]int{400},
			`{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow down"}`,
			func(ctx context.Context, cfg aws.Config) error {
				_, err := dynamodb.NewFromConfig(cfg).ListTables(ctx, &dynamodb.ListTablesInput{})
				return err
			},
			seen{name: "DynamoDB", status: trace.Throttle, attrs: map[string]string{"error.type": "ThrottlingException", "http.response.status_code": "400", "aws.request_id": "REQ-1", "aws.retries": "2"}},
		},
		"sqs, an error of ours": {
			[]int{400},
			`{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"none"}`,
			func(ctx context.Context, cfg aws.Config) error {
				_, err := sqs.NewFromConfig(cfg).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String("https://sqs/1/q"), MessageBody: aws.String("m")})
				return err
			},
			seen{name: "SQS", status: trace.Error, attrs: map[string]string{"rpc.method": "SendMessage", "aws.sqs.queue.url": "https://sqs/1/q", "http.response.status_code": "400"}},
		},
		"ssm, down": {
			[]int{500},
			`{"__type":"InternalServerError","message":"oops"}`,
			func(ctx context.Context, cfg aws.Config) error {
				_, err := ssm.NewFromConfig(cfg).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/a")})
				return err
			},
			seen{name: "SSM", status: trace.Fault, attrs: map[string]string{"rpc.method": "GetParameter", "http.response.status_code": "500", "aws.retries": "2", "error.type": "InternalServerError"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			n, header := 0, ""
			cfg, tr, k := setUp(t, func(w http.ResponseWriter, r *http.Request) {
				header = r.Header.Get("X-Amzn-Trace-Id")
				n++
				answer(w, c.answers[min(n, len(c.answers))-1], c.body)
			})
			ctx, parent := tr.Start(t.Context(), "## handler")
			err := c.call(ctx, cfg)
			parent.End()
			if (err != nil) != (c.want.status != trace.Unset) {
				t.Fatal(err)
			}
			if err := tr.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(k.list) != 2 {
				t.Fatalf("%d spans", len(k.list))
			}
			got := k.list[0]
			if got.name != c.want.name || got.kind != trace.Client || got.status != c.want.status || got.parent != parent.ID() {
				t.Errorf("%+v", got)
			}
			c.want.attrs["rpc.system"], c.want.attrs["rpc.service"], c.want.attrs["aws.region"] = "aws-api", c.want.name, "eu-west-1"
			for key, want := range c.want.attrs {
				if got.attrs[key] != want {
					t.Errorf("%s is %q, want %q", key, got.attrs[key], want)
				}
			}
			if err != nil && (len(got.errs) == 0 || !got.errs[0].Remote) {
				t.Errorf("failures: %+v", got.errs)
			}
			if want := fmt.Sprintf("Root=%s;Parent=%s;Sampled=1", parent.TraceID(), got.id); header != want {
				t.Errorf("sent %s, want %s", header, want)
			}
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	cfg, tr, k := setUp(t, func(http.ResponseWriter, *http.Request) {})
	cfg.BaseEndpoint = aws.String("http://127.0.0.1:1")
	if _, err := ssm.NewFromConfig(cfg).GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/a")}); err == nil {
		t.Fatal("no error")
	}
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(k.list) != 1 || k.list[0].status != trace.Fault {
		t.Errorf("%+v", k.list)
	}
}

func TestNotRecorded(t *testing.T) {
	header := ""
	cfg, tr, k := setUp(t, func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Get("X-Amzn-Trace-Id")
		answer(w, 200, "{}")
	})
	const in = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0;Lineage=a:1"
	ctx := context.WithValue(t.Context(), "x-amzn-trace-id", in) //nolint:staticcheck // aws-lambda-go's key is a string
	if _, err := dynamodb.NewFromConfig(cfg).ListTables(ctx, &dynamodb.ListTablesInput{}); err != nil {
		t.Fatal(err)
	}
	if header != in || tr.Waiting() != 0 || len(k.list) != 0 {
		t.Errorf("sent %s, %d spans", header, tr.Waiting())
	}
	// A tracer that is none changes nothing.
	cfg.APIOptions = nil
	awssdk.Instrument(&cfg.APIOptions, nil)
	if _, err := dynamodb.NewFromConfig(cfg).ListTables(t.Context(), &dynamodb.ListTablesInput{}); err != nil || header != "" {
		t.Errorf("%v, sent %q", err, header)
	}
}

func TestCredentials(t *testing.T) {
	got, err := awssdk.Credentials(static{})(t.Context())
	if err != nil || got != (trace.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: "token", Expires: time.Unix(2e9, 0)}) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := awssdk.Credentials(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("no profile")
	}))(t.Context()); err == nil || !strings.Contains(err.Error(), "no profile") {
		t.Error(err)
	}
}

// Our signer and the SDK's make the same signature of the same request.
func TestSignerOfTheSDKAgrees(t *testing.T) {
	ours := sigv4.Signer{Region: "eu-west-1", Service: "xray"}
	theirs := v4.NewSigner()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(rapid.Int64Range(1.4e9, 2e9).Draw(t, "now"), 0)
		body := rapid.String().Draw(t, "body")
		request := func() *http.Request {
			r, err := http.NewRequest(http.MethodPost, "https://xray.eu-west-1.amazonaws.com", strings.NewReader(body)) //nolint:noctx // it is not sent
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		a, b := request(), request()
		path := rapid.StringMatching(`(/[a-zA-Z0-9 ._~()@:+&=%é-]{1,8}){1,3}`).Draw(t, "path")
		query := rapid.StringMatching(`([a-z]{1,2}=[a-zA-Z0-9%/.~_-]{0,6}&){0,3}z=1`).Filter(func(q string) bool { return !strings.Contains(q, "%") }).Draw(t, "query")
		value := rapid.StringMatching(`[ -~]{0,20}`).Draw(t, "header")
		for _, r := range []*http.Request{a, b} {
			r.URL.Path, r.URL.RawQuery = path, query
			r.Header.Set("X-Test", value)
			r.Header.Add("X-Test", "two")
			r.Header.Set("Content-Type", "application/x-protobuf")
			r.Header.Set("Content-Encoding", "gzip")
			r.Header.Set("User-Agent", "nines-telemetry")
			r.Header.Set("X-Amzn-Trace-Id", "Root=1")
		}
		ours.Sign(a, []byte(body), sigv4.Keys{ID: "AKID", Secret: "secret", Token: "token"}, now)
		creds := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: "token"}
		if err := theirs.SignHTTP(context.Background(), creds, b, hash(body), "xray", "eu-west-1", now); err != nil {
			t.Fatal(err)
		}
		if got, want := a.Header.Get("Authorization"), b.Header.Get("Authorization"); got != want {
			t.Fatalf("%s\nours   %s\ntheirs %s", a.URL, got, want)
		}
	})
}
