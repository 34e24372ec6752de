package lambdad_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"gitlab.com/nines-sre/nines/internal/lambdad"
	"gitlab.com/nines-sre/nines/internal/testkit/target"
)

// New things take a number of reads, or time; while they do nothing else can be
// changed, and the revision changes once more when they are done.
func TestSettling(t *testing.T) {
	at := &clock{at: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
	for name, cfg := range map[string]lambdad.Config{"reads": {Reads: 2}, "time": {Settle: time.Minute, Now: at.Now}} {
		t.Run(name, func(t *testing.T) {
			_, url := start(t, cfg)
			c := client(t, url)
			read := func() *lambda.GetFunctionConfigurationOutput {
				at.Advance(30 * time.Second)
				return must[*lambda.GetFunctionConfigurationOutput](t)(c.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("pay")}))
			}
			first := create(t, c)
			if first.State != "Pending" {
				t.Errorf("a new one is %s", first.State)
			}
			if _, err := c.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: aws.String("pay")}); code(err) != "ResourceConflictException" {
				t.Errorf("published while pending: %v", err)
			}
			var states []string
			for range 3 {
				states = append(states, string(read().State))
			}
			if states[0] != "Pending" || states[2] != "Active" {
				t.Errorf("it went %v", states)
			}
			out := must[*lambda.UpdateFunctionCodeOutput](t)(c.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("pay"), ZipFile: target.Zip(t, "x")}))
			if out.LastUpdateStatus != "InProgress" || out.State != "Active" {
				t.Errorf("after an update: %s, %s", out.State, out.LastUpdateStatus)
			}
			if _, err := c.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("pay"), Timeout: aws.Int32(9)}); code(err) != "ResourceConflictException" {
				t.Errorf("updated while updating: %v", err)
			}
			for range 2 {
				read()
			}
			if now := read(); now.LastUpdateStatus != "Successful" || *now.RevisionId == *out.RevisionId {
				t.Errorf("it ends %s at revision %s, from %s", now.LastUpdateStatus, *now.RevisionId, *out.RevisionId)
			}
		})
	}
}

// A version is made of what changed, and only then.
func TestVersions(t *testing.T) {
	_, url := start(t, lambdad.Config{Page: 3})
	c := client(t, url)
	create(t, c)
	publish := func() string {
		return *must[*lambda.PublishVersionOutput](t)(c.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: aws.String("pay"), Description: aws.String("d")})).Version
	}
	got := []string{publish(), publish()}
	must[*lambda.UpdateFunctionConfigurationOutput](t)(c.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("pay"), Timeout: aws.Int32(9)}))
	got = append(got, publish())
	for i := range 10 {
		in := &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("pay"), ZipFile: target.Zip(t, fmt.Sprint(i)), DryRun: true}
		must[*lambda.UpdateFunctionCodeOutput](t)(c.UpdateFunctionCode(t.Context(), in))
		got = append(got, publish()) // a dry run changes nothing
		in.DryRun, in.Publish = false, true
		out := must[*lambda.UpdateFunctionCodeOutput](t)(c.UpdateFunctionCode(t.Context(), in))
		got = append(got, *out.Version)
	}
	want := []string{"1", "1", "2"}
	for i := range 10 {
		want = append(want, fmt.Sprint(i+2), fmt.Sprint(i+3))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	var listed []string
	pages := 0
	for p := lambda.NewListVersionsByFunctionPaginator(c, &lambda.ListVersionsByFunctionInput{FunctionName: aws.String("pay")}); p.HasMorePages(); pages++ {
		for _, v := range must[*lambda.ListVersionsByFunctionOutput](t)(p.NextPage(t.Context())).Versions {
			listed = append(listed, *v.Version)
		}
	}
	if pages != 5 || !slices.Equal(listed, []string{"$LATEST", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"}) {
		t.Errorf("%d pages: %v", pages, listed)
	}
}

// Calls of an alias fall on its versions as the weights say, and Route says the
// same without a call.
func TestInvoke(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	cfg := lambdad.Config{Draw: rnd.Float64, Invoke: func(in lambdad.Invocation) lambdad.Answer {
		if in.Version == "2" {
			return lambdad.Answer{Payload: []byte(`{"errorMessage":"no"}`), Error: "Unhandled"}
		}
		return lambdad.Answer{Payload: in.Payload}
	}}
	s, url := start(t, cfg)
	c := client(t, url)
	made(t, c)
	must[*lambda.UpdateAliasOutput](t)(c.UpdateAlias(t.Context(), alias("1", "", map[string]float64{"2": 0.2})))
	counts, calls := map[string]float64{}, 500.0
	for range int(calls) {
		out := must[*lambda.InvokeOutput](t)(c.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("pay"), Qualifier: aws.String("live"), Payload: []byte(`{}`)}))
		counts[*out.ExecutedVersion]++
		if (out.FunctionError != nil) != (*out.ExecutedVersion == "2") {
			t.Fatalf("version %s failed: %v", *out.ExecutedVersion, out.FunctionError != nil)
		}
	}
	if sd := math.Sqrt(0.2 * 0.8 / calls); math.Abs(counts["2"]/calls-0.2) > 4*sd {
		t.Errorf("%v of %v calls went to version 2", counts["2"], calls)
	}
	for draw, want := range map[float64]string{0: "2", 0.19: "2", 0.21: "1", 0.999: "1"} {
		if got := s.Route("pay", "live", draw); got != want {
			t.Errorf("a draw of %v goes to %s", draw, got)
		}
	}
	if got := s.Route("pay", "none", 0); got != "" {
		t.Errorf("an alias that is not there goes to %s", got)
	}
	if _, err := c.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("pay:none")}); code(err) != notThere {
		t.Errorf("%v", err)
	}
}

// Trouble happens to as many requests as were asked for, and leaves the state that
// it says.
func TestTroubles(t *testing.T) {
	s, url := start(t, lambdad.Config{})
	c := client(t, url)
	made(t, c)
	shift := func() error {
		_, err := c.UpdateAlias(t.Context(), alias("2", "", nil))
		return err
	}
	at := func() string { v, _ := s.Weights("pay", "live"); return v }
	s.Fail(lambdad.Throttle("UpdateAlias", 2))
	s.Fail(lambdad.Break("write", 1))
	s.Fail(lambdad.Trouble{Times: 1, LostBefore: true})
	for i, want := range []string{"TooManyRequestsException", "TooManyRequestsException", "ServiceUnavailableException"} {
		if got := code(shift()); got != want {
			t.Errorf("request %d: %q", i, got)
		}
	}
	if err := shift(); err == nil || at() != "1" {
		t.Errorf("a request that is lost: %v, at %s", err, at())
	}
	s.Fail(lambdad.Trouble{Op: "UpdateAlias", Times: 1, LostAnswer: true})
	if err := shift(); err == nil || at() != "2" {
		t.Errorf("an answer that is lost: %v, at %s", err, at())
	}
	s.Fail(lambdad.Trouble{Op: "UpdateAlias", Times: 1, Latency: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.UpdateAlias(ctx, alias("1", "", nil)); err == nil {
		t.Error("it did not wait")
	}
	s.Fail(lambdad.Throttle("", 1000))
	s.Heal()
	if err := shift(); err != nil {
		t.Error(err)
	}
	log := s.Requests()
	last := log[len(log)-1]
	if last.Op != "UpdateAlias" || last.Method != http.MethodPut || last.Path != "/2015-03-31/functions/pay/aliases/live" || last.Status != http.StatusOK || last.Body != `{"FunctionVersion":"2"}` {
		t.Errorf("the log says %+v", last)
	}
}

// ARNs name functions as names do, and requests without a signature are refused.
func TestNames(t *testing.T) {
	_, url := start(t, lambdad.Config{})
	c := client(t, url)
	made(t, c)
	for name, want := range map[string]string{
		"pay": "$LATEST", "pay:live": "1", "pay:2": "2", "arn:aws:lambda:eu-west-1:123456789012:function:pay": "$LATEST",
		"arn:aws:lambda:eu-west-1:123456789012:function:pay:2": "2", "123456789012:function:pay:live": "1",
	} {
		out, err := c.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: &name})
		if err != nil || *out.Version != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	for path, want := range map[string]int{"/2015-03-31/functions/pay": http.StatusForbidden, "/nothing": http.StatusNotFound} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil || resp.StatusCode != want || resp.Body.Close() != nil {
			t.Errorf("%s: %v %v", path, resp, err)
		}
	}
}
