package e2e_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"gitlab.com/nines-sre/nines/internal/lambdad"
	"gitlab.com/nines-sre/nines/internal/testkit/target"
)

// canaryFunction stands beside the function that serves, and gets no traffic.
const canaryFunction = "payment-api-canary"

// TestTwoFunctionsAreCompared drives two functions over the wire with the same
// requests at the same instants, and judges what they answered. Nothing is moved.
func TestTwoFunctionsAreCompared(t *testing.T) {
	t.Parallel()
	fails := func(n int, _ string) lambdad.Answer {
		if n%5 == 0 {
			return lambdad.Answer{Payload: []byte(`{"statusCode":503,"body":"{}"}`)}
		}
		return lambdad.Answer{Payload: []byte(`{"statusCode":201,"body":"{}"}`)}
	}
	crashes := func(n int, text string) lambdad.Answer {
		if n%5 == 0 {
			return lambdad.Answer{Payload: []byte(`{"errorMessage":"boom"}`), Error: "Unhandled"}
		}
		return lambdad.Answer{Payload: []byte(text)}
	}
	well := func(int, string) lambdad.Answer {
		return lambdad.Answer{Payload: []byte(`{"statusCode":201,"body":"{}"}`)}
	}
	refuses := func(int, string) lambdad.Answer {
		return lambdad.Answer{Payload: []byte(`{"statusCode":422,"body":"{}"}`)}
	}
	for _, c := range []struct {
		name   string
		canary func(n int, text string) lambdad.Answer
		flags  string
		code   int
		says   string
	}{
		{"a good one", well, "--wait 5 --threshold 99", 0, "0 of 600 requests bad"},
		{"a client's own fault is no error", refuses, "--wait 5 --threshold 99", 0, "0 of 600 requests bad"},
		{"errors", fails, "--wait 5 --threshold 99", 3, "has failed"},
		{"errors, beside the other", fails, "--wait 10", 3, "has failed"},
		{"crashes", crashes, "--wait 5 --threshold 99", 3, "has failed"},
		{"too few", well, "--wait 2 --threshold 99", 4, "59 requests are missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := openAccount(t, 0)
			slos, _, _ := strings.Cut(accountDoc, "---")
			write(t, filepath.Join(a.dir, "payment-api.yaml"), slos)
			write(t, filepath.Join(a.dir, "requests.jsonl"), `{"method": "POST", "path": "/payments", "headers": {"content-type": "application/json"}, "body": "{}"}`+"\n"+`{"event": {"path": "/health"}}`+"\n")
			a.function(t, canaryFunction)
			var mu sync.Mutex
			asked := map[string][]string{}
			a.answer = func(in lambdad.Invocation) lambdad.Answer {
				mu.Lock()
				defer mu.Unlock()
				asked[in.Function] = append(asked[in.Function], string(in.Payload))
				if in.Function == canaryFunction {
					return c.canary(len(asked[in.Function]), string(in.Payload))
				}
				return well(0, "")
			}
			args := append([]string{"canary", "payment-api", "--target", "functions:" + shopFunction + "," + canaryFunction, "--rate", "2", "--requests", "requests.jsonl"}, strings.Fields(c.flags)...)
			got := a.nines(t, args...)
			if got.code != c.code || !strings.Contains(got.said, c.says) {
				t.Errorf("exit %d, want %d and %q:\n%s", got.code, c.code, c.says, got.said)
			}
			mu.Lock()
			defer mu.Unlock()
			old, canary := asked[shopFunction], asked[canaryFunction]
			kinds := map[string]bool{}
			for _, text := range canary {
				kinds[text] = true
			}
			if len(old) != len(canary) || len(canary) < 120 || len(kinds) != 2 {
				t.Errorf("%d and %d requests of %d kinds: both get the same", len(old), len(canary), len(kinds))
			}
			if a.writes != 0 {
				t.Errorf("%d writes: nothing is to be moved", a.writes)
			}
		})
	}
}

// function makes another function, ready to be invoked.
func (a *rollAccount) function(t *testing.T, name string) {
	t.Helper()
	_, err := a.back.CreateFunction(t.Context(), &awslambda.CreateFunctionInput{
		FunctionName: awssdk.String(name), Role: awssdk.String("arn:aws:iam::123456789012:role/payment-api"),
		Code: &lambdatypes.FunctionCode{ZipFile: target.Zip(t, name)}, Handler: awssdk.String("bootstrap"), Runtime: "provided.al2023",
	})
	for range 3 { // it takes its time with what is new
		if err == nil {
			_, err = a.back.GetFunctionConfiguration(t.Context(), &awslambda.GetFunctionConfigurationInput{FunctionName: awssdk.String(name)})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}
