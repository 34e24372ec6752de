package lambdad_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/lambdad"
	"gitlab.com/nines-sre/nines/internal/testkit/moto"
	"gitlab.com/nines-sre/nines/internal/testkit/target"
)

// clean is the environment without anything of an AWS account.
func clean() []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "AWS_") })
	return append(env, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=x", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
}

// The AWS CLI and boto3 publish, shift and are refused.
func TestForeignClients(t *testing.T) {
	python := os.Getenv(moto.Python)
	if python == "" {
		t.Skip(moto.Python + " names no Python with boto3 and awscli; `make test` sets it")
	}
	s, url := start(t, lambdad.Config{Reads: 2, Page: 50})
	cmd := exec.CommandContext(t.Context(), python, "testdata/foreign.py", url, t.TempDir())
	cmd.Env = clean()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("\n%s", out)
	if got, others := s.Weights("pay", "live"); got != "2" || len(others) > 0 {
		t.Errorf("it ends at %s, %v", got, others)
	}
}

// withRole makes the role that moto wants to see before it makes a function.
func withRole(t *testing.T, url string) string {
	t.Helper()
	for _, name := range []string{"pay", "pay2"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url,
			strings.NewReader("Action=CreateRole&Version=2010-05-08&AssumeRolePolicyDocument=%7B%7D&RoleName="+name))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260302/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0")
		resp, err := http.DefaultClient.Do(r)
		if err != nil || resp.Body.Close() != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("role %s: %v, %v", name, resp, err)
		}
	}
	return url
}

// happy is a release from the first version to the second, answer by answer.
func happy(t *testing.T, c *lambda.Client) map[string]any {
	t.Helper()
	pay, live := aws.String("pay"), aws.String("live")
	out := map[string]any{}
	out["create"] = create(t, c)
	out["publish"] = must[*lambda.PublishVersionOutput](t)(c.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: pay}))
	out["create alias"] = must[*lambda.CreateAliasOutput](t)(c.CreateAlias(t.Context(), &lambda.CreateAliasInput{FunctionName: pay, Name: live, FunctionVersion: aws.String("1"), Description: aws.String("callers use it")}))
	out["update code"] = must[*lambda.UpdateFunctionCodeOutput](t)(c.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: pay, ZipFile: target.Zip(t, "two")}))
	out["publish again"] = must[*lambda.PublishVersionOutput](t)(c.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: pay}))
	out["publish the same"] = must[*lambda.PublishVersionOutput](t)(c.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: pay}))
	out["shift"] = must[*lambda.UpdateAliasOutput](t)(c.UpdateAlias(t.Context(), alias("1", "", map[string]float64{"2": 0.05})))
	out["get alias"] = must[*lambda.GetAliasOutput](t)(c.GetAlias(t.Context(), &lambda.GetAliasInput{FunctionName: pay, Name: live}))
	out["promote"] = must[*lambda.UpdateAliasOutput](t)(c.UpdateAlias(t.Context(), alias("2", "", map[string]float64{})))
	out["get"] = must[*lambda.GetFunctionConfigurationOutput](t)(c.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: pay, Qualifier: aws.String("2")}))
	var versions, aliases []string
	for _, v := range must[*lambda.ListVersionsByFunctionOutput](t)(c.ListVersionsByFunction(t.Context(), &lambda.ListVersionsByFunctionInput{FunctionName: pay})).Versions {
		versions = append(versions, *v.Version)
	}
	for _, a := range must[*lambda.ListAliasesOutput](t)(c.ListAliases(t.Context(), &lambda.ListAliasesInput{FunctionName: pay})).Aliases {
		aliases = append(aliases, *a.Name+" "+*a.FunctionVersion)
	}
	out["versions"], out["aliases"] = versions, aliases
	return out
}

// flat is an answer as JSON has it, without what is empty, what is by chance (ids,
// times) and the logging of a function, which moto does not have.
func flat(t *testing.T, answer any) any {
	t.Helper()
	data, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	if fields, is := out.(map[string]any); is {
		for _, name := range []string{"RevisionId", "LastModified", "ResultMetadata", "LoggingConfig"} {
			delete(fields, name)
		}
	}
	return filled(out)
}

// filled leaves out what is empty.
func filled(v any) any {
	fields, is := v.(map[string]any)
	if !is {
		return v
	}
	out := map[string]any{}
	for name, f := range fields {
		f = filled(f)
		m, isMap := f.(map[string]any)
		list, isList := f.([]any)
		if f == nil || f == "" || isMap && len(m) == 0 || isList && len(list) == 0 {
			continue
		}
		out[name] = f
	}
	return out
}

// size counts the fields of an answer.
func size(answer any) int {
	if fields, is := answer.(map[string]any); is {
		return len(fields)
	}
	return 1
}

// TestBesideMoto holds the double against moto: the same answers where all goes
// well, field by field, and what AWS refuses and moto does.
func TestBesideMoto(t *testing.T) {
	other := withRole(t, moto.Start(t))
	_, url := start(t, lambdad.Config{})
	ours, theirs := happy(t, client(t, url)), happy(t, client(t, other))
	fields := 0
	for step := range ours {
		a, b := flat(t, ours[step]), flat(t, theirs[step])
		fields += size(a)
		if diff := cmp.Diff(b, a); diff != "" {
			t.Errorf("%s: moto has -, ours has +:\n%s", step, diff)
		}
	}
	t.Logf("%d answers, %d fields are the same", len(ours), fields)
	var table strings.Builder
	accepted := 0
	for _, r := range refusals() {
		c := client(t, other)
		_, _ = c.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: aws.String("pay")})
		made(t, c)
		got := code(r.do(t, c))
		if got != r.moto {
			t.Errorf("moto answers %q to %s, not %q: the table is out of date", got, r.name, r.moto)
		}
		if got == "" {
			accepted++
			got = "does it"
		}
		fmt.Fprintf(&table, "%-36s AWS and ours: %-34s moto: %s\n", r.name, r.code, got)
	}
	t.Logf("moto does %d of %d:\n%s", accepted, len(refusals()), &table)
}
