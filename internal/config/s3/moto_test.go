package s3_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"

	"gitlab.com/nines-sre/nines/internal/config/configtest"
	"gitlab.com/nines-sre/nines/internal/config/s3"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/testkit/moto"
)

// TestSuiteOnMoto holds the source against a server that is not ours.
func TestSuiteOnMoto(t *testing.T) {
	endpoint := moto.Start(t)
	client := sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, UsePathStyle: true, DisableLogOutputChecksumValidationSkipped: true,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
	connect := func(context.Context) (s3.API, error) { return client, nil } //nolint:unparam // as New takes it
	many := 5
	if os.Getenv("NINES_FULL") != "" {
		many = 1005 // a page holds a thousand
	}
	var buckets atomic.Int64
	configtest.Run(t, func(t *testing.T) configtest.Place {
		bucket := fmt.Sprintf("docs-%d", buckets.Add(1))
		if _, err := client.CreateBucket(t.Context(), &sdk.CreateBucketInput{Bucket: &bucket}); err != nil {
			t.Fatal(err)
		}
		src, err := s3.New("s3://"+bucket+"/slo", connect)
		if err != nil {
			t.Fatal(err)
		}
		return configtest.Place{
			Source: src, Many: many, Hidden: true,
			Name: func(name string) string { return "s3://" + bucket + "/slo/" + name },
			Put: func(t *testing.T, name, data string) {
				if _, err := client.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: &bucket, Key: aws.String("slo/" + name), Body: strings.NewReader(data)}); err != nil {
					t.Fatal(err)
				}
			},
			Delete: func(t *testing.T, name string) {
				if _, err := client.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: &bucket, Key: aws.String("slo/" + name)}); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
	src, err := s3.New("s3://no-such-bucket/slo", connect)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := src.List(t.Context()); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a bucket that is not there: %v", err)
	}
}
