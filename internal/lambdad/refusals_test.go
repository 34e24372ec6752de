package lambdad_test

import (
	"math"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"gitlab.com/nines-sre/nines/internal/lambdad"
	"gitlab.com/nines-sre/nines/internal/testkit/target"
)

// refusal is something that AWS does not do.
type refusal struct {
	name string
	do   func(t testing.TB, c *lambda.Client) error
	code string // what AWS answers
	moto string // what moto 5.2.3 answers; "": it does it
}

// update is a refusal of UpdateAlias.
func update(in *lambda.UpdateAliasInput) func(testing.TB, *lambda.Client) error {
	return func(t testing.TB, c *lambda.Client) error {
		_, err := c.UpdateAlias(t.Context(), in)
		return err
	}
}

// settings publishes a version with other settings, and gives it half of "live".
func settings(in *lambda.UpdateFunctionConfigurationInput) func(testing.TB, *lambda.Client) error {
	return func(t testing.TB, c *lambda.Client) error {
		in.FunctionName = aws.String("pay")
		must[*lambda.UpdateFunctionConfigurationOutput](t)(c.UpdateFunctionConfiguration(t.Context(), in))
		v := must[*lambda.PublishVersionOutput](t)(c.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: aws.String("pay")}))
		_, err := c.UpdateAlias(t.Context(), alias("1", "", map[string]float64{*v.Version: 0.5}))
		return err
	}
}

const (
	tooLate  = "PreconditionFailedException"
	wrong    = "InvalidParameterValueException"
	unfit    = "ValidationException"
	notThere = "ResourceNotFoundException"
)

// refusals are tried one by one on a fresh function with versions 1 and 2.
func refusals() []refusal {
	pay, older := aws.String("pay"), "00000000-0000-4000-8000-00000000000f"
	return []refusal{
		{"a stale revision of an alias", update(alias("2", older, nil)), tooLate, ""},
		{"a weight above 1", update(alias("1", "", map[string]float64{"2": 1.5})), unfit, ""},
		{"a negative weight", update(alias("1", "", map[string]float64{"2": -0.5})), unfit, ""},
		{"two additional versions", update(alias("1", "", map[string]float64{"2": 0.1, "3": 0.1})), wrong, ""},
		{"$LATEST beside a version", update(alias("1", "", map[string]float64{"$LATEST": 0.1})), wrong, ""},
		{"a version beside $LATEST", update(alias("$LATEST", "", map[string]float64{"1": 0.1})), wrong, ""},
		{"a version beside itself", update(alias("1", "", map[string]float64{"1": 0.1})), wrong, ""},
		{"a version that is not there", update(alias("9", "", nil)), notThere, notThere},
		{"a weight for one that is not there", update(alias("1", "", map[string]float64{"9": 0.1})), notThere, ""},
		{"no version's name", update(alias("blue", "", nil)), unfit, notThere},
		{"an alias that is not there", func(t testing.TB, c *lambda.Client) error {
			_, err := c.GetAlias(t.Context(), &lambda.GetAliasInput{FunctionName: pay, Name: aws.String("none")})
			return err
		}, notThere, notThere},
		{"another role", settings(&lambda.UpdateFunctionConfigurationInput{Role: aws.String(role + "2")}), wrong, ""},
		{"another queue for dead letters", settings(&lambda.UpdateFunctionConfigurationInput{
			DeadLetterConfig: &types.DeadLetterConfig{TargetArn: aws.String("arn:aws:sqs:eu-west-1:123456789012:dead")},
		}), wrong, ""},
		{"a stale revision of a function", func(t testing.TB, c *lambda.Client) error {
			_, err := c.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: pay, ZipFile: target.Zip(t, "three"), RevisionId: &older})
			return err
		}, tooLate, ""},
		{"publishing a stale revision", func(t testing.TB, c *lambda.Client) error {
			_, err := c.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: pay, RevisionId: &older})
			return err
		}, tooLate, ""},
		{"publishing other code", func(t testing.TB, c *lambda.Client) error {
			_, err := c.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: pay, CodeSha256: aws.String("AAAA")})
			return err
		}, wrong, ""},
		{"no archive", func(t testing.TB, c *lambda.Client) error {
			_, err := c.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: pay, ZipFile: []byte("text")})
			return err
		}, wrong, ""},
		{"an alias twice", func(t testing.TB, c *lambda.Client) error {
			_, err := c.CreateAlias(t.Context(), &lambda.CreateAliasInput{FunctionName: pay, Name: aws.String("live"), FunctionVersion: aws.String("1")})
			return err
		}, "ResourceConflictException", "ConflictException"},
		{"deleting a version in use", func(t testing.TB, c *lambda.Client) error {
			_, err := c.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: pay, Qualifier: aws.String("1")})
			return err
		}, "ResourceConflictException", ""},
		{"a function that is not there", func(t testing.TB, c *lambda.Client) error {
			_, err := c.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("none")})
			return err
		}, notThere, notThere},
	}
}

// What AWS refuses is refused, and changes nothing.
func TestRefusals(t *testing.T) {
	for _, r := range refusals() {
		t.Run(r.name, func(t *testing.T) {
			_, url := start(t, lambdad.Config{})
			c := client(t, url)
			made(t, c)
			before := must[*lambda.GetAliasOutput](t)(c.GetAlias(t.Context(), &lambda.GetAliasInput{FunctionName: aws.String("pay"), Name: aws.String("live")}))
			if got := code(r.do(t, c)); got != r.code {
				t.Errorf("it answers %q, want %q", got, r.code)
			}
			after := must[*lambda.GetAliasOutput](t)(c.GetAlias(t.Context(), &lambda.GetAliasInput{FunctionName: aws.String("pay"), Name: aws.String("live")}))
			if *after.RevisionId != *before.RevisionId || after.RoutingConfig != nil || *after.FunctionVersion != "1" {
				t.Errorf("the alias was changed: %+v", after)
			}
		})
	}
	// What no client can write: JSON has no such number.
	if _, err := client(t, "http://127.0.0.1:1").UpdateAlias(t.Context(), alias("1", "", map[string]float64{"2": math.NaN()})); err == nil {
		t.Error("a weight that is no number was sent")
	}
}

// Weights and provisioned concurrency exclude each other, whichever comes first.
func TestProvisionedConcurrency(t *testing.T) {
	_, url := start(t, lambdad.Config{Reads: 2})
	c := client(t, url)
	slow := func() { // until all is settled
		for range 4 {
			for _, q := range []*string{nil, aws.String("1"), aws.String("2")} {
				_, _ = c.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("pay"), Qualifier: q})
			}
		}
	}
	create(t, c)
	for _, content := range []string{"one", "two"} {
		slow()
		must[*lambda.UpdateFunctionCodeOutput](t)(c.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("pay"), ZipFile: target.Zip(t, content)}))
		slow()
		must[*lambda.PublishVersionOutput](t)(c.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: aws.String("pay")}))
	}
	must[*lambda.CreateAliasOutput](t)(c.CreateAlias(t.Context(), &lambda.CreateAliasInput{
		FunctionName: aws.String("pay"), Name: aws.String("live"), FunctionVersion: aws.String("1"),
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.5}},
	}))
	put := func() error {
		_, err := c.PutProvisionedConcurrencyConfig(t.Context(), &lambda.PutProvisionedConcurrencyConfigInput{
			FunctionName: aws.String("pay"), Qualifier: aws.String("live"), ProvisionedConcurrentExecutions: aws.Int32(3),
		})
		return err
	}
	get := func() error {
		_, err := c.GetProvisionedConcurrencyConfig(t.Context(), &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: aws.String("pay"), Qualifier: aws.String("live")})
		return err
	}
	if got := code(put()); got != wrong {
		t.Errorf("on an alias with weights: %q", got)
	}
	if got := code(get()); got != "ProvisionedConcurrencyConfigNotFoundException" {
		t.Errorf("there is none: %q", got)
	}
	must[*lambda.UpdateAliasOutput](t)(c.UpdateAlias(t.Context(), alias("", "", map[string]float64{})))
	if err := errorsOf(put(), get()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UpdateAlias(t.Context(), alias("", "", map[string]float64{"2": 0.5})); code(err) != wrong {
		t.Errorf("weights on it: %v", err)
	}
	// It moves by weights of the service's own, for a while.
	must[*lambda.UpdateAliasOutput](t)(c.UpdateAlias(t.Context(), alias("2", "", nil)))
	var seen []bool
	for range 4 {
		a := must[*lambda.GetAliasOutput](t)(c.GetAlias(t.Context(), &lambda.GetAliasInput{FunctionName: aws.String("pay"), Name: aws.String("live")}))
		seen = append(seen, a.RoutingConfig != nil)
	}
	if !seen[0] || seen[3] {
		t.Errorf("weights seen: %v", seen)
	}
	if _, err := c.DeleteProvisionedConcurrencyConfig(t.Context(), &lambda.DeleteProvisionedConcurrencyConfigInput{FunctionName: aws.String("pay"), Qualifier: aws.String("live")}); err != nil {
		t.Error(err)
	}
	if _, err := c.UpdateAlias(t.Context(), alias("", "", map[string]float64{"1": 0.5})); err != nil {
		t.Errorf("weights without it: %v", err)
	}
}

func errorsOf(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}
