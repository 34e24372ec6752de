package s3_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"gitlab.com/nines-sre/nines/internal/config/configtest"
	"gitlab.com/nines-sre/nines/internal/config/s3"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// bucket is a bucket in memory whose lists have pages of three.
type bucket struct {
	mu      sync.Mutex
	objects map[string][]byte
	gets    int
	fail    error
}

// etag is a version as the service makes it.
func etag(data []byte) string {
	sum := md5.Sum(data)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func (b *bucket) ListObjectsV2(ctx context.Context, in *sdk.ListObjectsV2Input, _ ...func(*sdk.Options)) (*sdk.ListObjectsV2Output, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := cmpErr(ctx.Err(), b.fail); err != nil {
		return nil, err
	}
	out := &sdk.ListObjectsV2Output{IsTruncated: aws.Bool(false)}
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		if !strings.HasPrefix(key, aws.ToString(in.Prefix)) || key <= aws.ToString(in.ContinuationToken) {
			continue
		}
		if len(out.Contents) == 3 {
			out.IsTruncated, out.NextContinuationToken = aws.Bool(true), out.Contents[2].Key
			break
		}
		out.Contents = append(out.Contents, types.Object{Key: aws.String(key), ETag: aws.String(etag(b.objects[key]))})
	}
	return out, nil
}

func cmpErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *bucket) GetObject(ctx context.Context, in *sdk.GetObjectInput, _ ...func(*sdk.Options)) (*sdk.GetObjectOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gets++
	data, ok := b.objects[*in.Key]
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case !ok:
		return nil, &types.NoSuchKey{}
	case in.IfMatch != nil && *in.IfMatch != etag(data):
		return nil, &smithy.GenericAPIError{Code: "PreconditionFailed"}
	}
	return &sdk.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(data))}, nil
}

func open(t *testing.T, address string, b *bucket) *s3.Source {
	t.Helper()
	src, err := s3.New(address, func(context.Context) (s3.API, error) { return b, nil })
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestSuite(t *testing.T) {
	configtest.Run(t, func(t *testing.T) configtest.Place {
		b := &bucket{objects: map[string][]byte{"slo-old/x.yaml": []byte("x: 1\n"), "other.yaml": nil}}
		set := func(name string, data []byte) {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.objects["slo/"+name] = data; data == nil {
				delete(b.objects, "slo/"+name)
			}
		}
		return configtest.Place{
			Source: open(t, "s3://docs/slo/", b), Many: 8, Hidden: true,
			Name:   func(name string) string { return "s3://docs/slo/" + name },
			Put:    func(_ *testing.T, name, data string) { set(name, []byte(data)) },
			Delete: func(_ *testing.T, name string) { set(name, nil) },
		}
	})
}

func TestOneObject(t *testing.T) {
	b := &bucket{objects: map[string][]byte{"a/slo.yaml": []byte("a: 1\n"), "a/slo.yaml.yaml": nil, "a/slo.yaml/b.yaml": nil}}
	items, err := open(t, "s3://docs/a/slo.yaml", b).List(t.Context())
	if err != nil || len(items) != 1 || items[0].Name != "s3://docs/a/slo.yaml" || !items[0].Named {
		t.Errorf("%+v, %v", items, err)
	}
	if _, err := open(t, "s3://docs/b.yaml", b).List(t.Context()); fault.KindOf(err) != fault.NotFound {
		t.Errorf("an object that is not there: %v", err)
	}
	if items, err := open(t, "s3://docs", b).List(t.Context()); err != nil || len(items) != 3 {
		t.Errorf("a whole bucket: %+v, %v", items, err)
	}
}

func TestErrors(t *testing.T) {
	for code, want := range map[string]fault.Kind{
		"NoSuchBucket": fault.NotFound, "AccessDenied": fault.Denied, "SlowDown": fault.Throttled,
		"PermanentRedirect": fault.Invalid, "InternalError": fault.Unavailable, "ExpiredToken": fault.Denied,
	} {
		b := &bucket{fail: &smithy.GenericAPIError{Code: code}}
		if _, err := open(t, "s3://docs/x", b).List(t.Context()); fault.KindOf(err) != want {
			t.Errorf("%s is %v (%v), want %v", code, fault.KindOf(err), err, want)
		}
	}
	for _, address := range []string{"s3://", "s3:///x", "s3://b/x?zone=eu", "s3://b/x?region=", "s3://b/x?%zz"} {
		if _, err := s3.Open(t.Context(), address); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", address, err)
		}
	}
}
