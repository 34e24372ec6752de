package lambda

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// latest is the name of what lies unpublished.
const latest = "$LATEST"

const (
	// polls and pollEvery are how long a version may take until it can be called:
	// ten minutes. Images and snapshots take some.
	polls     = 300
	pollEvery = 2 * time.Second
	// maxZip is the most that is uploaded directly. (Lambda quotas.)
	maxZip = 50 << 20
)

// configuration reads a function or a version of it.
func (t *Target) configuration(ctx context.Context, qualifier string) (*sdk.GetFunctionConfigurationOutput, error) {
	in := &sdk.GetFunctionConfigurationInput{FunctionName: &t.opt.Function}
	if qualifier != latest {
		in.Qualifier = &qualifier
	}
	var out *sdk.GetFunctionConfigurationOutput
	err := t.try(ctx, "lambda:GetFunctionConfiguration", func() (err error) {
		out, err = t.api.GetFunctionConfiguration(ctx, in)
		return err
	})
	return out, err
}

// preflight finds what would be refused, or worse, taken: versions that cannot
// share an alias. (Developer guide, "Create a routing configuration for a Lambda
// alias".)
func (t *Target) preflight(ctx context.Context, to act.Split) error {
	stable, err := t.ready(ctx, to.Stable)
	if err != nil || to.Whole() {
		return err
	}
	canary, err := t.ready(ctx, to.Canary)
	if err != nil {
		return err
	}
	differ := func(what, a, b string) error {
		return fault.New(fault.Invalid, t.name, fmt.Sprintf("versions %s and %s have different %s (%s and %s), and cannot share an alias", to.Stable, to.Canary, what, word(a), word(b)),
			"publish a version with the same one, or move everything at once with a promotion")
	}
	if a, b := aws.ToString(stable.Role), aws.ToString(canary.Role); a != b {
		return differ("execution roles", a, b)
	}
	if a, b := letters(stable.DeadLetterConfig), letters(canary.DeadLetterConfig); a != b {
		return differ("dead-letter queues", a, b)
	}
	return nil
}

func letters(c *types.DeadLetterConfig) string {
	if c == nil {
		return ""
	}
	return aws.ToString(c.TargetArn)
}

func word(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// ready reads a version that is to get traffic now.
func (t *Target) ready(ctx context.Context, version string) (*sdk.GetFunctionConfigurationOutput, error) {
	c, err := t.configuration(ctx, version)
	if err != nil {
		return nil, err
	}
	reason := strings.TrimSuffix(": "+aws.ToString(c.StateReason), ": ")
	kind, text, hint := fault.Invalid, "cannot be called, it is "+string(c.State)+reason, "publish another one"
	if c.State == types.StateActive || c.State == "" { // older functions have none
		return c, nil
	}
	if c.State == types.StatePending {
		kind, text, hint = fault.Unavailable, "is not active yet", "try again in a while"
	}
	if c.State == types.StateInactive {
		text, hint = "sleeps: it was not called for long", "call it until it answers, then try again"
	}
	return nil, fault.New(kind, t.name, "version "+version+" "+text, hint)
}

// Publish implements act.Publisher.
//
// An artifact is a zip file, s3://BUCKET/KEY (?versionId=V), or the address of an
// image. A zip file whose digest the function has already is not uploaded again,
// and Lambda makes no version of what did not change since the last one.
func (t *Target) Publish(ctx context.Context, r act.Release) (string, error) {
	if r.Version != "" {
		_, err := t.settled(ctx, r.Version)
		return r.Version, err
	}
	now, err := t.settled(ctx, latest)
	if err != nil {
		return "", err
	}
	if r.Artifact != "" {
		if now, err = t.upload(ctx, r.Artifact, now); err != nil {
			return "", err
		}
	}
	version, err := t.publish(ctx, r, now)
	if err != nil {
		return "", err
	}
	_, err = t.settled(ctx, version)
	return version, err
}

// settled waits until a function or a version is in force.
func (t *Target) settled(ctx context.Context, version string) (*sdk.GetFunctionConfigurationOutput, error) {
	for n := 0; ; n++ {
		c, err := t.configuration(ctx, version)
		if err != nil {
			return nil, err
		}
		switch {
		case c.LastUpdateStatus == types.LastUpdateStatusFailed:
			return nil, fault.New(fault.Invalid, t.name, "the update of "+version+" has failed: "+aws.ToString(c.LastUpdateStatusReason), "")
		case c.State == types.StateFailed:
			return nil, fault.New(fault.Invalid, t.name, version+" has failed: "+aws.ToString(c.StateReason), "")
		case c.LastUpdateStatus != types.LastUpdateStatusInProgress && c.State != types.StatePending:
			return c, nil
		case n == polls:
			return nil, fault.New(fault.Unavailable, t.name, fmt.Sprintf("%s is not in force after %v", version, polls*pollEvery), "look at it again in a while")
		}
		if err := t.opt.Wait(ctx, pollEvery); err != nil {
			return nil, fault.Wrap(fault.Canceled, t.name, err, "")
		}
	}
}

// source is an artifact as UpdateFunctionCode takes it, with its digest where
// that is known before.
func (t *Target) source(artifact string) (in *sdk.UpdateFunctionCodeInput, digest string, err error) {
	in = &sdk.UpdateFunctionCodeInput{FunctionName: &t.opt.Function}
	if rest, is := strings.CutPrefix(artifact, "s3://"); is {
		bucket, key, _ := strings.Cut(rest, "/")
		key, version, pinned := strings.Cut(key, "?versionId=")
		if bucket == "" || key == "" {
			return nil, "", fault.New(fault.Invalid, "artifact "+artifact, "it names no object", "write s3://BUCKET/KEY")
		}
		in.S3Bucket, in.S3Key = &bucket, &key
		if pinned {
			in.S3ObjectVersion = &version
		}
		return in, "", nil
	}
	info, err := os.Stat(artifact)
	if os.IsNotExist(err) && !file(artifact) {
		in.ImageUri = &artifact
		return in, "", nil
	}
	switch {
	case err == nil && info.IsDir():
		return nil, "", fault.New(fault.Invalid, "artifact "+artifact, "it is a folder", "pack it into a zip file")
	case err == nil && info.Size() > maxZip:
		return nil, "", fault.New(fault.Full, "artifact "+artifact, fmt.Sprintf("it has %d MB; Lambda takes 50 MB directly", info.Size()>>20), "put it into a bucket and name it as s3://BUCKET/KEY")
	case err != nil:
		kind := fault.Invalid
		if os.IsPermission(err) {
			kind = fault.Denied
		}
		return nil, "", fault.Wrap(kind, "artifact "+artifact, plain(err), "name a zip file, s3://BUCKET/KEY, or the address of an image")
	}
	data, err := os.ReadFile(artifact) //nolint:gosec // the artifact that the caller names
	if err != nil {
		return nil, "", fault.Wrap(fault.Unavailable, "artifact "+artifact, plain(err), "")
	}
	sum := sha256.Sum256(data)
	in.ZipFile = data
	return in, base64.StdEncoding.EncodeToString(sum[:]), nil
}

// file says whether an artifact can only be a file: an image's address has a tag
// or a digest behind a registry.
func file(artifact string) bool {
	return strings.HasSuffix(artifact, ".zip") || strings.HasPrefix(artifact, ".") || strings.HasPrefix(artifact, "/") || !strings.Contains(artifact, "/")
}

// plain is a file's error without its path, which stands before it already.
func plain(err error) error {
	if p, ok := err.(*fs.PathError); ok { //nolint:errorlint // what os returned just now
		return p.Err
	}
	return err
}

// upload makes an artifact the function's code, and waits until it is.
func (t *Target) upload(ctx context.Context, artifact string, now *sdk.GetFunctionConfigurationOutput) (*sdk.GetFunctionConfigurationOutput, error) {
	in, digest, err := t.source(artifact)
	if err != nil {
		return nil, err
	}
	for range locks {
		if digest != "" && digest == aws.ToString(now.CodeSha256) {
			return now, nil
		}
		in.RevisionId = now.RevisionId
		var out *sdk.UpdateFunctionCodeOutput
		err = t.try(ctx, "lambda:UpdateFunctionCode", func() (err error) {
			out, err = t.api.UpdateFunctionCode(ctx, in)
			return err
		})
		if err != nil && !refused(err) {
			return nil, err
		}
		after, werr := t.settled(ctx, latest)
		switch {
		case werr != nil:
			return nil, werr
		case err == nil && aws.ToString(after.CodeSha256) == aws.ToString(out.CodeSha256):
			return after, nil
		case err == nil:
			return nil, t.raced()
		}
		// Refused: a revision was over, or an answer was lost. Code that is neither
		// what it was nor what it shall be is not written over.
		if sum := aws.ToString(after.CodeSha256); sum != digest && sum != aws.ToString(now.CodeSha256) {
			return nil, t.raced()
		}
		now = after
	}
	return nil, t.raced()
}

func (t *Target) raced() error {
	return fault.New(fault.Conflict, t.name, "the function's code is not what it was, nor what it shall be: somebody else changes it", "find out who does, then begin anew")
}

// publish makes a version of what was seen, and of nothing else.
func (t *Target) publish(ctx context.Context, r act.Release, now *sdk.GetFunctionConfigurationOutput) (string, error) {
	for range locks {
		in := &sdk.PublishVersionInput{FunctionName: &t.opt.Function, CodeSha256: now.CodeSha256, RevisionId: now.RevisionId}
		if r.Description != "" {
			in.Description = &r.Description
		}
		var out *sdk.PublishVersionOutput
		err := t.try(ctx, "lambda:PublishVersion", func() (err error) {
			out, err = t.api.PublishVersion(ctx, in)
			return err
		})
		if err == nil {
			return aws.ToString(out.Version), nil
		}
		if !refused(err) {
			return "", err
		}
		after, err := t.settled(ctx, latest)
		if err != nil {
			return "", err
		}
		if aws.ToString(after.CodeSha256) != aws.ToString(now.CodeSha256) {
			return "", t.raced()
		}
		now = after // the revision alone changed: settings did, or it has settled
	}
	return "", t.raced()
}
