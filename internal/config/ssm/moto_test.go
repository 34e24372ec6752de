package ssm_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"gitlab.com/nines-sre/nines/internal/config/configtest"
	"gitlab.com/nines-sre/nines/internal/config/ssm"
	"gitlab.com/nines-sre/nines/internal/testkit/moto"
)

// TestSuiteOnMoto holds the source against a server that is not ours, with
// secure strings.
func TestSuiteOnMoto(t *testing.T) {
	endpoint := moto.Start(t)
	client := sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
	var paths atomic.Int64
	configtest.Run(t, func(t *testing.T) configtest.Place {
		path := fmt.Sprintf("/nines/docs%d", paths.Add(1))
		src, err := ssm.New("ssm:"+path, func(context.Context) (ssm.API, error) { return client, nil })
		if err != nil {
			t.Fatal(err)
		}
		return configtest.Place{
			Source: src, Many: 23,
			Name: func(name string) string { return "ssm:" + path + "/" + name },
			Put: func(t *testing.T, name, data string) {
				if _, err := client.PutParameter(t.Context(), &sdk.PutParameterInput{
					Name: aws.String(path + "/" + name), Value: &data, Type: types.ParameterTypeSecureString, Overwrite: aws.Bool(true),
				}); err != nil {
					t.Fatal(err)
				}
			},
			Delete: func(t *testing.T, name string) {
				if _, err := client.DeleteParameter(t.Context(), &sdk.DeleteParameterInput{Name: aws.String(path + "/" + name)}); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}
