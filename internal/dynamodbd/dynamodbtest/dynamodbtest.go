// Package dynamodbtest gives tests a DynamoDB: the local one of this tree, or the
// one whose address is in NINES_DYNAMODB_ENDPOINT.
package dynamodbtest

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/dynamodbd"
	"gitlab.com/nines-sre/nines/internal/faulty"
)

// EndpointEnv names another DynamoDB to test against, as http://127.0.0.1:8000.
// Tests make tables there, with names of their own, and remove them.
const EndpointEnv = "NINES_DYNAMODB_ENDPOINT"

// Service is a DynamoDB for one test.
type Service struct {
	Endpoint string
	// Local is the local one; nil when the tests run against another.
	Local *dynamodbd.Server
	now   func() time.Time
}

// Start returns a DynamoDB and sets the credentials and the region a client
// needs, for this test. now tells the local one's time.
func Start(t testing.TB, now func() time.Time) *Service {
	t.Helper()
	for name, v := range map[string]string{
		"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "us-east-1", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, v)
	}
	if endpoint := os.Getenv(EndpointEnv); endpoint != "" {
		return &Service{Endpoint: endpoint, now: now}
	}
	local := dynamodbd.New(now)
	srv := httptest.NewServer(local)
	t.Cleanup(srv.Close)
	return &Service{Endpoint: srv.URL, Local: local, now: now}
}

// TableName is a name no other test has.
func TableName() string { return "nines-test-" + strings.ToLower(rand.Text()) }

// Client returns an HTTP client that makes trouble; nil: none.
func Client(t testing.TB, pick func(operation string) faulty.Trouble) (aws.HTTPClient, *faulty.Net) {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	t.Cleanup(transport.CloseIdleConnections)
	if pick == nil {
		return awskit.Steady(&http.Client{Transport: transport}), nil
	}
	f := &faulty.Net{Next: transport, Pick: pick, Codes: codes()}
	return awskit.Steady(&http.Client{Transport: f}), f
}

// codes are DynamoDB's own.
func codes() map[faulty.Trouble]string {
	const typed = "com.amazonaws.dynamodb.v20120810#"
	return map[faulty.Trouble]string{faulty.Throttled: typed + "ProvisionedThroughputExceededException", faulty.Broken: typed + "InternalServerError"}
}
