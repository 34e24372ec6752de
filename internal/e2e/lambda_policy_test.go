package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"go.yaml.in/yaml/v4"

	"gitlab.com/nines-sre/nines/internal/dynamodbd/dynamodbtest"
	"gitlab.com/nines-sre/nines/internal/testkit/moto"
	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

// actions are the permissions that requests needed, by the name of the action.
type actions struct {
	mu  sync.Mutex
	all map[string]bool
}

// record stands before a service and notes which permission each request needs.
func (a *actions) record(t *testing.T, to string) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the caller is gone
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		a.mu.Lock()
		for _, action := range needed(r, body) {
			a.all[action] = true
		}
		a.mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(h.Close)
	return h.URL
}

// needed names the permissions of a request, as the services' authorization
// references do. A transaction of DynamoDB needs those of its parts.
func needed(r *http.Request, body []byte) []string {
	service, op, ok := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch {
	case ok && strings.HasPrefix(service, "DynamoDB"):
		if op != "TransactWriteItems" {
			return []string{"dynamodb:" + op}
		}
		var out []string
		for part, action := range map[string]string{`"Put"`: "PutItem", `"Delete"`: "DeleteItem", `"Update"`: "UpdateItem", `"ConditionCheck"`: "ConditionCheckItem"} {
			if bytes.Contains(body, []byte(part)) {
				out = append(out, "dynamodb:"+action)
			}
		}
		return out
	case ok && service == "AmazonSSM":
		return []string{"ssm:" + op}
	case strings.HasPrefix(r.URL.Path, "/service/GraniteServiceVersion"):
		return []string{"cloudwatch:" + path.Base(r.URL.Path)}
	case r.Method == http.MethodGet && r.URL.Query().Has("list-type"):
		return []string{"s3:ListBucket"}
	case r.Method == http.MethodGet:
		return []string{"s3:GetObject"}
	}
	return []string{"unknown:" + r.Method + " " + r.URL.Path}
}

// granted reads what a role of the template may do, by action: the resources as
// they are written.
func granted(t *testing.T, role string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	policies := field(field(field(field(doc.Content[0], "Resources"), role), "Properties"), "Policies")
	if policies == nil {
		t.Fatalf("the template has no role %s", role)
	}
	for _, p := range policies.Content {
		for _, s := range field(field(p, "PolicyDocument"), "Statement").Content {
			if s.Tag == "!If" {
				s = s.Content[1] // what holds if the parameter asks for it
			}
			if got := field(s, "Effect").Value; got != "Allow" {
				t.Errorf("a statement of %s says %s", role, got)
			}
			resource, err := yaml.Marshal(field(s, "Resource"))
			if err != nil {
				t.Fatal(err)
			}
			action := field(s, "Action")
			for _, a := range append(slices.Clone(action.Content), action) {
				if a.Value != "" {
					out[a.Value] = strings.TrimSpace(string(resource))
				}
			}
		}
	}
	return out
}

// field is a mapping's value.
func field(n *yaml.Node, name string) *yaml.Node {
	if n == nil {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// TestRolesAreNarrow: the observing role reads, and writes nothing but its own
// table, log and dead letters, and traces; only what knows no resources is allowed
// on all.
func TestRolesAreNarrow(t *testing.T) {
	observer := granted(t, "ObserverRole")
	for action, resource := range observer {
		service, name, _ := strings.Cut(action, ":")
		reads := strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List") || strings.HasPrefix(name, "Describe") ||
			strings.HasPrefix(name, "BatchGet") || name == "Query" || name == "Decrypt"
		own := strings.Contains(resource, "!GetAtt Table.Arn") || strings.Contains(resource, "!GetAtt Log.Arn") || strings.Contains(resource, "!GetAtt DeadLetters.Arn")
		traces := action == "xray:PutTraceSegments" || action == "xray:PutTelemetryRecords"
		switch {
		case strings.Contains(action, "*"):
			t.Errorf("%s is more than one action", action)
		case !reads && !own && !traces && action != "sts:AssumeRole":
			t.Errorf("%s is no reading and not on what is its own, but on %s", action, resource)
		case strings.Trim(resource, `"'`) == "*" && service != "cloudwatch" && !traces:
			t.Errorf("%s is allowed on everything", action)
		}
	}
	want := []string{"lambda:InvokeFunction", "sqs:SendMessage"}
	if got := slices.Sorted(maps.Keys(granted(t, "ScheduleRole"))); !slices.Equal(got, want) {
		t.Errorf("the schedule may %v, want %v", got, want)
	}
}

// TestCallsAreGranted records what the function asks of AWS, and holds it
// against what the template lets it do.
func TestCallsAreGranted(t *testing.T) {
	a := newLambdaAccount(t)
	root := t.TempDir()
	calls := &actions{all: map[string]bool{}}
	places := map[string]string{"folder": a.documents(t, filepath.Join(root, "slo"))}
	env := slices.DeleteFunc(a.environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_ENDPOINT_URL") })
	env = append(env, "AWS_ENDPOINT_URL_CLOUDWATCH="+calls.record(t, a.url))
	if os.Getenv(moto.Python) != "" {
		elsewhere := moto.Start(t)
		a.upload(t, elsewhere)
		through := calls.record(t, elsewhere)
		env = append(env, "AWS_ENDPOINT_URL_S3="+through, "AWS_ENDPOINT_URL_SSM="+through)
		places["bucket"], places["parameters"] = "s3://documents/slo", "ssm:/nines/slo"
	} else {
		t.Log("without moto, documents are read from a folder alone")
	}
	service := dynamodbtest.Start(t, time.Now)
	through := calls.record(t, service.Endpoint)
	for _, place := range places {
		name := dynamodbtest.TableName()
		nines(t, root, 0, "store", "create", "dynamodb:"+name+"?endpoint="+service.Endpoint)
		f := deploy(t, 1, append(slices.Clone(env), "NINES_CONFIG="+place, "NINES_STORE=dynamodb:"+name+"?endpoint="+through)...)
		for _, event := range []string{`{}`, `{"do":"status"}`, `{"do":"gate","service":"pay"}`, `{"adaptive":true}`} {
			f.invoke(t, 0, lambdatest.Invocation{Payload: []byte(event)})
		}
	}
	may := granted(t, "ObserverRole")
	got := slices.Sorted(maps.Keys(calls.all))
	for _, action := range got {
		if _, ok := may[action]; !ok {
			t.Errorf("%s was asked for, but the role may not", action)
		}
	}
	if !slices.Contains(got, "cloudwatch:GetMetricData") || !slices.Contains(got, "dynamodb:PutItem") {
		t.Errorf("recorded are %v", got)
	}
	if len(places) == 3 && (!slices.Contains(got, "s3:ListBucket") || !slices.Contains(got, "s3:GetObject") || !slices.Contains(got, "ssm:GetParametersByPath")) {
		t.Errorf("recorded are %v", got)
	}
	t.Log("asked for: ", got)
}

// upload puts the documents into a bucket and into parameters.
func (a *lambdaAccount) upload(t *testing.T, endpoint string) {
	t.Helper()
	who := credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")
	bucket := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &endpoint, UsePathStyle: true, Credentials: who})
	parameters := ssm.New(ssm.Options{Region: "eu-west-1", BaseEndpoint: &endpoint, Credentials: who})
	if _, err := bucket.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: sdk.String("documents")}); err != nil {
		t.Fatal(err)
	}
	docs := map[string]string{"settings.yaml": publishDoc}
	for _, s := range a.services {
		docs[s+".yaml"] = fmt.Sprintf(shopDoc, s)
	}
	for name, text := range docs {
		if _, err := bucket.PutObject(t.Context(), &s3.PutObjectInput{Bucket: sdk.String("documents"), Key: sdk.String("slo/" + name), Body: strings.NewReader(text)}); err != nil {
			t.Fatal(err)
		}
		if _, err := parameters.PutParameter(t.Context(), &ssm.PutParameterInput{
			Name: sdk.String("/nines/slo/" + strings.TrimSuffix(name, ".yaml")), Value: &text, Type: types.ParameterTypeSecureString,
		}); err != nil {
			t.Fatal(err)
		}
	}
}
