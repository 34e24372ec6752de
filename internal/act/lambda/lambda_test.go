package lambda_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/acttest"
	"gitlab.com/nines-sre/nines/internal/act/lambda"
	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/lambdad"
	"gitlab.com/nines-sre/nines/internal/testkit/target"
)

const role = "arn:aws:iam::123456789012:role/pay"

// bench is a local Lambda with a function that has three versions and an alias.
type bench struct {
	t      testing.TB
	server *lambdad.Server
	url    string
	http   *http.Client
	sdk    *sdk.Client
	target *lambda.Target
	waited atomic.Int64 // nanoseconds
}

// start opens one. Waiting takes no time, and moves the server's clock.
func start(t testing.TB, cfg lambdad.Config) *bench {
	t.Helper()
	b := &bench{t: t}
	cfg.Now = func() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC).Add(b.took()) }
	b.server = lambdad.New(cfg)
	srv := httptest.NewServer(b.server)
	t.Cleanup(srv.Close)
	b.url, b.http = srv.URL, srv.Client()
	b.sdk = b.client()
	b.target = b.open()
	b.do(&sdk.CreateFunctionInput{
		FunctionName: aws.String("pay"), Role: aws.String(role), Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Code: &types.FunctionCode{ZipFile: target.Zip(t, "0")},
	})
	for i := range 3 {
		if _, err := b.target.Publish(t.Context(), act.Release{Artifact: b.zip(fmt.Sprint("build ", i))}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.sdk.CreateAlias(t.Context(), &sdk.CreateAliasInput{FunctionName: aws.String("pay"), Name: aws.String("live"), FunctionVersion: aws.String("1")}); err != nil {
		t.Fatal(err)
	}
	return b
}

// took is how long was waited.
func (b *bench) took() time.Duration { return time.Duration(b.waited.Load()) }

func (b *bench) client() *sdk.Client {
	return sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: &b.url, Retryer: aws.NopRetryer{}, HTTPClient: awskit.Steady(b.http),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
}

// open opens the target; openAs one of another function, openBetween one before
// whose publishing something happens.
func (b *bench) open() *lambda.Target { return b.openAs("pay") }

func (b *bench) openAs(function string) *lambda.Target {
	return lambda.New(b.client(), lambda.Options{Function: function, Alias: "live", Wait: b.wait})
}

func (b *bench) openBetween(do func()) *lambda.Target {
	return lambda.New(between{b.client(), func() {}, do}, lambda.Options{Function: "pay", Alias: "live", Wait: b.wait})
}

// wait takes no time, and moves the server's clock.
func (b *bench) wait(ctx context.Context, d time.Duration) error {
	b.waited.Add(int64(d))
	return ctx.Err()
}

func (b *bench) do(in *sdk.CreateFunctionInput) {
	b.t.Helper()
	if _, err := b.sdk.CreateFunction(b.t.Context(), in); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) zip(content string) string {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "function.zip")
	if err := os.WriteFile(path, target.Zip(b.t, content), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func (b *bench) look() act.Split {
	version, others := b.server.Weights("pay", "live")
	s := act.Split{Stable: version}
	for other, w := range others {
		s.Canary, s.Weight = other, w
	}
	return s
}

// set changes the alias as somebody else does.
func (b *bench) set(to act.Split) {
	b.t.Helper()
	in := &sdk.UpdateAliasInput{
		FunctionName: aws.String("pay"), Name: aws.String("live"), FunctionVersion: &to.Stable,
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{}},
	}
	if !to.Whole() {
		in.RoutingConfig.AdditionalVersionWeights[to.Canary] = to.Weight
	}
	if _, err := b.sdk.UpdateAlias(b.t.Context(), in); err != nil {
		b.t.Fatal(err)
	}
}

// writes counts what was done to the alias.
func (b *bench) writes() (n int) {
	for _, r := range b.server.Requests() {
		if r.Op == "UpdateAlias" && r.Status == http.StatusOK {
			n++
		}
	}
	return n
}

func (b *bench) fail(trouble acttest.Trouble, n int) {
	switch trouble {
	case acttest.Throttled:
		b.server.Fail(lambdad.Throttle("write", n))
	case acttest.Away:
		b.server.Fail(lambdad.Break("write", n))
	case acttest.Denied:
		b.server.Fail(lambdad.Deny("write", n))
	case acttest.Lost:
		b.server.Fail(lambdad.Trouble{Op: "write", Times: n, LostAnswer: true})
	case acttest.Fine:
		b.server.Heal()
	}
}

func TestSuite(t *testing.T) {
	for name, cfg := range map[string]lambdad.Config{"at once": {}, "takes its time": {Reads: 3}} {
		t.Run(name, func(t *testing.T) {
			acttest.Run(t, func(t *testing.T) acttest.World {
				b := start(t, cfg)
				releases := 0
				return acttest.World{
					Actor: b.target, Versions: []string{"1", "2", "3"},
					Again:   func(testing.TB) act.Actor { return b.open() },
					Look:    func(testing.TB) act.Split { return b.look() },
					Writes:  b.writes,
					Foreign: func(_ testing.TB, to act.Split) { b.set(to) },
					Fail:    b.fail,
					Release: func(testing.TB) act.Release {
						releases++
						return act.Release{Artifact: b.zip(fmt.Sprint("release ", releases)), Description: "of the suite"}
					},
				}
			})
		})
	}
}

// plan makes a change from how it lies now.
func (b *bench) plan(verb act.Verb, to act.Split) (act.Change, error) {
	b.t.Helper()
	from, err := b.target.Read(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return b.target.Plan(b.t.Context(), act.Action{Verb: verb, Key: "k", From: from, To: to})
}

// What is planned is what is sent, and removing weights is sent as such.
func TestCalls(t *testing.T) {
	b := start(t, lambdad.Config{})
	for _, c := range []struct {
		verb act.Verb
		to   act.Split
		want string
		body string
	}{
		{act.Shift, act.Split{Stable: "1", Canary: "2", Weight: 0.05}, "lambda:UpdateAlias pay:live 1, 5 % on 2", `"RoutingConfig":{"AdditionalVersionWeights":{"2":0.05}}`},
		{act.Promote, act.Split{Stable: "2"}, "lambda:UpdateAlias pay:live 2, no weights", `"RoutingConfig":{"AdditionalVersionWeights":{}}`},
	} {
		change, err := b.plan(c.verb, c.to)
		if err != nil || !slices.Equal(change.Calls, []string{c.want}) {
			t.Fatalf("%+v, %v", change, err)
		}
		out, err := b.target.Apply(t.Context(), change)
		if err != nil || !slices.Equal(out.Calls, change.Calls) {
			t.Fatalf("%+v, %v", out, err)
		}
		var last lambdad.Request
		for _, r := range b.server.Requests() {
			if r.Op == "UpdateAlias" {
				last = r
			}
		}
		if !strings.Contains(last.Body, c.body) || !strings.Contains(last.Body, `"RevisionId":"`+change.From.Revision) {
			t.Errorf("it sent %s", last.Body)
		}
	}
}

// Versions that AWS does not let share an alias are found when planning.
func TestPreflight(t *testing.T) {
	b := start(t, lambdad.Config{Reads: 2})
	change := func(in *sdk.UpdateFunctionConfigurationInput) string {
		t.Helper()
		in.FunctionName = aws.String("pay")
		if _, err := b.sdk.UpdateFunctionConfiguration(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		v, err := b.target.Publish(t.Context(), act.Release{})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	letters := change(&sdk.UpdateFunctionConfigurationInput{DeadLetterConfig: &types.DeadLetterConfig{TargetArn: aws.String("arn:aws:sqs:eu-west-1:123456789012:dead")}})
	other := change(&sdk.UpdateFunctionConfigurationInput{DeadLetterConfig: &types.DeadLetterConfig{TargetArn: aws.String("")}, Role: aws.String(role + "2")})
	for name, c := range map[string]struct {
		to   act.Split
		kind fault.Kind
		want string
	}{
		"another role":   {act.Split{Stable: "1", Canary: other, Weight: 0.5}, fault.Invalid, "execution roles"},
		"another queue":  {act.Split{Stable: "1", Canary: letters, Weight: 0.5}, fault.Invalid, "dead-letter queues"},
		"unpublished":    {act.Split{Stable: "1", Canary: "$LATEST", Weight: 0.5}, fault.Invalid, "$LATEST"},
		"not there":      {act.Split{Stable: "1", Canary: "77", Weight: 0.5}, fault.NotFound, "77"},
		"a little much":  {act.Split{Stable: "1", Canary: "2", Weight: 1}, fault.Invalid, "99.9 %"},
		"a little small": {act.Split{Stable: "1", Canary: "2", Weight: 0.0001}, fault.Invalid, "0.1 %"},
	} {
		if _, err := b.plan(act.Shift, c.to); fault.KindOf(err) != c.kind || !strings.Contains(err.Error()+fault.HintOf(err), c.want) {
			t.Errorf("%s: %v (%v)", name, err, fault.KindOf(err))
		}
	}
	// All at once is no matter of sharing.
	if _, err := b.plan(act.Promote, act.Split{Stable: other}); err != nil {
		t.Errorf("a promotion: %v", err)
	}
}

// Provisioned concurrency takes no weights, and moves by and by.
func TestProvisioned(t *testing.T) {
	b := start(t, lambdad.Config{Reads: 4})
	if _, err := b.sdk.PutProvisionedConcurrencyConfig(t.Context(), &sdk.PutProvisionedConcurrencyConfigInput{
		FunctionName: aws.String("pay"), Qualifier: aws.String("live"), ProvisionedConcurrentExecutions: aws.Int32(5),
	}); err != nil {
		t.Fatal(err)
	}
	change, err := b.plan(act.Shift, act.Split{Stable: "1", Canary: "2", Weight: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.target.Apply(t.Context(), change); fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.HintOf(err), "provisioned") {
		t.Errorf("%v: %s", err, fault.HintOf(err))
	}
	if change, err = b.plan(act.Promote, act.Split{Stable: "2"}); err != nil {
		t.Fatal(err)
	}
	b.waited.Store(0)
	out, err := b.target.Apply(t.Context(), change)
	if err != nil || out.State.Split != (act.Split{Stable: "2"}) || b.waited.Load() == 0 {
		t.Errorf("%+v after %v, %v", out.State, b.took(), err)
	}
}

// Somebody else is quicker, between the read and the write.
func TestRefusedRevision(t *testing.T) {
	b := start(t, lambdad.Config{})
	shift, err := b.plan(act.Shift, act.Split{Stable: "1", Canary: "2", Weight: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		theirs act.Split
		kind   fault.Kind
	}{
		"another version": {act.Split{Stable: "3"}, fault.Conflict},
		"the same":        {shift.To, fault.Internal},
	} {
		b.set(act.Split{Stable: "1"})
		shift.From.Revision = ""
		b.interlope(c.theirs)
		out, err := b.target.Apply(t.Context(), shift)
		if c.kind == fault.Internal {
			if err != nil || !out.State.Same(shift.To) {
				t.Errorf("%s: %+v, %v", name, out, err)
			}
			continue
		}
		if fault.KindOf(err) != c.kind || !strings.Contains(err.Error(), "3") || b.look() != c.theirs {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// interlope changes the alias once, just before the next write of the target.
func (b *bench) interlope(theirs act.Split) {
	once := false
	b.target = lambda.New(between{b.client(), func() {
		if !once {
			once = true
			b.set(theirs)
		}
	}, func() {}}, lambda.Options{Function: "pay", Alias: "live", Wait: b.wait})
}

// between is a client that lets somebody else go first.
type between struct {
	*sdk.Client

	before, publishing func()
}

func (c between) PublishVersion(ctx context.Context, in *sdk.PublishVersionInput, opts ...func(*sdk.Options)) (*sdk.PublishVersionOutput, error) {
	c.publishing()
	return c.Client.PublishVersion(ctx, in, opts...)
}

func (c between) UpdateAlias(ctx context.Context, in *sdk.UpdateAliasInput, opts ...func(*sdk.Options)) (*sdk.UpdateAliasOutput, error) {
	c.before()
	return c.Client.UpdateAlias(ctx, in, opts...)
}

// A function that is being updated is waited for, within bounds.
func TestConflictWaits(t *testing.T) {
	b := start(t, lambdad.Config{})
	b.server.Fail(lambdad.Trouble{Op: "UpdateAlias", Times: 3, Status: http.StatusConflict, Code: "ResourceConflictException"})
	change, err := b.plan(act.Promote, act.Split{Stable: "2"})
	if err != nil {
		t.Fatal(err)
	}
	b.waited.Store(0)
	if _, err := b.target.Apply(t.Context(), change); err != nil || b.took() != 3500*time.Millisecond {
		t.Errorf("after %v: %v", b.took(), err)
	}
	b.server.Fail(lambdad.Trouble{Op: "PublishVersion", Times: acttest.Always, Status: http.StatusConflict, Code: "ResourceConflictException"})
	b.waited.Store(0)
	if _, err := b.target.Publish(t.Context(), act.Release{Artifact: b.zip("new")}); fault.KindOf(err) != fault.Conflict || b.took() > 2*time.Minute {
		t.Errorf("after %v: %v", b.took(), err)
	}
}

func TestErrors(t *testing.T) {
	b := start(t, lambdad.Config{})
	none := lambda.New(b.client(), lambda.Options{Function: "pay", Alias: "none", Wait: func(context.Context, time.Duration) error { return nil }})
	if _, err := none.Read(t.Context()); fault.KindOf(err) != fault.NotFound || !strings.Contains(fault.HintOf(err), "create-alias") {
		t.Errorf("%v: %s", err, fault.HintOf(err))
	}
	b.server.Fail(lambdad.Deny("GetAlias", 1))
	if _, err := b.target.Read(t.Context()); fault.KindOf(err) != fault.Denied || fault.HintOf(err) != "allow lambda:GetAlias on it" {
		t.Errorf("%v: %s", err, fault.HintOf(err))
	}
}
