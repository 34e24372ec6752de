package lambda_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/lambda"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/lambdad"
	"gitlab.com/nines-sre/nines/internal/testkit/target"
)

// ops counts the requests of an operation.
func (b *bench) ops(op string) (n int) {
	for _, r := range b.server.Requests() {
		if r.Op == op {
			n++
		}
	}
	return n
}

// A file whose digest is there already is not sent again; what did not change is
// no new version; what comes back after something else is one.
func TestPublishFiles(t *testing.T) {
	b := start(t, lambdad.Config{Reads: 3})
	first, second := b.zip("one"), b.zip("two")
	publish := func(artifact, want string, sent int) {
		t.Helper()
		before := b.ops("UpdateFunctionCode")
		got, err := b.target.Publish(t.Context(), act.Release{Artifact: artifact, Description: "by hand"})
		if err != nil || got != want || b.ops("UpdateFunctionCode")-before != sent {
			t.Errorf("version %q (want %s), sent %d times, %v", got, want, b.ops("UpdateFunctionCode")-before, err)
		}
	}
	publish(first, "4", 1)
	publish(first, "4", 0)
	publish(second, "5", 1)
	publish(first, "6", 1)
	publish("", "6", 0)
	publish("s3://builds/pay/1.zip", "7", 1)
	publish("s3://builds/pay/1.zip", "7", 1) // its digest is not known before
	publish("s3://builds/pay/1.zip?versionId=abc", "8", 1)
	if b.took() == 0 {
		t.Error("it did not wait until a version is active")
	}
}

func TestPublishRefused(t *testing.T) {
	b := start(t, lambdad.Config{})
	large := filepath.Join(t.TempDir(), "large.zip")
	f, err := os.Create(large)
	if err != nil || f.Truncate(51<<20) != nil || f.Close() != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "function.txt")
	if err := os.WriteFile(text, []byte("no archive"), 0o600); err != nil {
		t.Fatal(err)
	}
	for artifact, want := range map[string]struct {
		kind fault.Kind
		text string
	}{
		"missing.zip":           {fault.Invalid, "no such file"},
		"missing":               {fault.Invalid, "no such file"},
		t.TempDir():             {fault.Invalid, "pack it"},
		large:                   {fault.Full, "s3://"},
		text:                    {fault.Invalid, "Could not unzip"},
		"s3://builds":           {fault.Invalid, "s3://BUCKET/KEY"},
		"registry/pay:1.2":      {fault.Invalid, "ImageUri"}, // the function is a zip
		"s3://other/nothing.in": {fault.Full, ""},
	} {
		if artifact == "s3://other/nothing.in" {
			b.server.Fail(lambdad.Trouble{Op: "UpdateFunctionCode", Times: 1, Status: http.StatusBadRequest, Code: "CodeStorageExceededException"})
		}
		before := b.ops("PublishVersion")
		_, err := b.target.Publish(t.Context(), act.Release{Artifact: artifact})
		if fault.KindOf(err) != want.kind || !strings.Contains(err.Error()+fault.HintOf(err), want.text) {
			t.Errorf("%s: %v (%v): %s", artifact, err, fault.KindOf(err), fault.HintOf(err))
		}
		if b.ops("PublishVersion") != before {
			t.Errorf("%s: something was published", artifact)
		}
	}
}

func TestPublishImage(t *testing.T) {
	b := start(t, lambdad.Config{Reads: 1})
	b.do(&sdk.CreateFunctionInput{
		FunctionName: aws.String("boxed"), Role: aws.String(role), PackageType: types.PackageTypeImage,
		Code: &types.FunctionCode{ImageUri: aws.String("123456789012.dkr.ecr.eu-west-1.amazonaws.com/pay:1")},
	})
	b.target = b.openAs("boxed")
	for _, want := range []string{"1", "1"} {
		got, err := b.target.Publish(t.Context(), act.Release{Artifact: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/pay:2"})
		if err != nil || got != want {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// What AWS finds wrong with a version only later is found before traffic is.
func TestPublishFails(t *testing.T) {
	b := start(t, lambdad.Config{Reads: 2})
	b.server.Fails("pay", "", "the image is not there")
	if _, err := b.target.Publish(t.Context(), act.Release{Artifact: b.zip("bad")}); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "the image is not there") {
		t.Errorf("an update that fails: %v", err)
	}
	b = start(t, lambdad.Config{Settle: time.Minute})
	b.target = lambda.New(b.client(), lambda.Options{Function: "pay", Alias: "live", Wait: func(context.Context, time.Duration) error { return nil }})
	if _, err := b.target.Publish(t.Context(), act.Release{Artifact: b.zip("slow")}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("one that never ends: %v", err)
	}
}

// Somebody else changes the code between our upload and our publishing.
func TestPublishRaced(t *testing.T) {
	b := start(t, lambdad.Config{})
	theirs := target.Zip(t, "theirs")
	b.target = b.openBetween(func() {
		if _, err := b.sdk.UpdateFunctionCode(t.Context(), &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("pay"), ZipFile: theirs}); err != nil {
			t.Error(err)
		}
	})
	before := b.ops("PublishVersion")
	if v, err := b.target.Publish(t.Context(), act.Release{Artifact: b.zip("ours")}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("%q, %v", v, err)
	}
	if n := b.ops("PublishVersion"); n != before+1 {
		t.Errorf("it published %d times", n-before)
	}
}
