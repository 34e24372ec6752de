// Package s3 reads documents from a bucket: every object below a prefix that is
// called as documents are, or one object.
package s3

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// Scheme is what addresses begin with: "s3://bucket/prefix".
const Scheme = "s3"

// API is the part of the S3 client that reading needs.
type API interface {
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// Source is a prefix of a bucket. It implements config.Source.
type Source struct {
	bucket, key string // key without a slash at its end
	connect     func(ctx context.Context) (API, error)

	mu  sync.Mutex
	api API
}

var _ config.Source = (*Source)(nil)

// Open is the opener for addresses "s3://BUCKET/PREFIX?region=REGION"; without
// a region, the SDK's own.
func Open(_ context.Context, address string) (config.Source, error) {
	_, region, err := awskit.Address(address)
	if err != nil {
		return nil, err
	}
	return New(address, func(ctx context.Context) (API, error) {
		cfg, err := awskit.Config(ctx, region)
		if err != nil {
			return nil, err
		}
		return s3.NewFromConfig(cfg, func(o *s3.Options) {
			// A local stand-in answers on one name; only AWS has one per bucket.
			o.UsePathStyle = o.BaseEndpoint != nil
			o.DisableLogOutputChecksumValidationSkipped = true // objects need not have one
		}), nil
	})
}

// New is Open with a client of the caller's.
func New(address string, connect func(context.Context) (API, error)) (*Source, error) {
	rest, _, err := awskit.Address(address)
	if err != nil {
		return nil, err
	}
	bucket, key, _ := strings.Cut(rest, "/")
	if bucket == "" {
		return nil, fault.New(fault.Invalid, address, "a bucket is missing", "write s3://BUCKET/PREFIX")
	}
	return &Source{bucket: bucket, key: strings.Trim(key, "/"), connect: connect}, nil
}

func (s *Source) client(ctx context.Context) (API, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.api == nil {
		api, err := s.connect(ctx)
		if err != nil {
			return nil, err
		}
		s.api = api
	}
	return s.api, nil
}

func (s *Source) name(key string) string { return "s3://" + s.bucket + "/" + key }

// List implements config.Source.
func (s *Source) List(ctx context.Context) ([]config.Item, error) {
	api, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	single := s.single()
	prefix := s.key
	if s.key != "" && !single {
		prefix += "/"
	}
	in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix}
	var out []config.Item
	for {
		page, err := api.ListObjectsV2(ctx, in)
		if err != nil {
			return nil, awskit.Explain("list "+s.name(prefix), "s3:ListBucket on the bucket", err)
		}
		for i := range page.Contents {
			item, ok := s.item(&page.Contents[i])
			if item.Named {
				return []config.Item{item}, nil
			}
			if ok {
				out = append(out, item)
			}
		}
		if !aws.ToBool(page.IsTruncated) || aws.ToString(page.NextContinuationToken) == "" {
			break
		}
		in.ContinuationToken = page.NextContinuationToken
	}
	if single && len(out) == 0 {
		return nil, fault.New(fault.NotFound, "list "+s.name(s.key), "there is no such object", "check the name")
	}
	slices.SortFunc(out, func(a, b config.Item) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// single says whether the address names one object.
func (s *Source) single() bool { return s.key != "" && config.DocumentPath(s.key) }

// item is an object, and whether it is a document of the source: Named if it is
// the one that the address names.
func (s *Source) item(o *types.Object) (config.Item, bool) {
	key := aws.ToString(o.Key)
	named := s.single() && key == s.key
	below, ok := s.below(key)
	return config.Item{Name: s.name(key), Version: aws.ToString(o.ETag), Named: named}, named || ok && config.DocumentPath(below)
}

// below is a key's path below the prefix.
func (s *Source) below(key string) (string, bool) {
	if s.key == "" {
		return key, true
	}
	return strings.CutPrefix(key, s.key+"/")
}

// Read implements config.Source: the object in the version that was listed.
func (s *Source) Read(ctx context.Context, item config.Item) ([]byte, error) {
	api, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	key := strings.TrimPrefix(item.Name, s.name(""))
	in := &s3.GetObjectInput{Bucket: &s.bucket, Key: &key}
	if item.Version != "" {
		in.IfMatch = &item.Version
	}
	op := "read " + item.Name
	got, err := api.GetObject(ctx, in)
	if err != nil {
		err = awskit.Explain(op, "s3:GetObject below the prefix", err)
		if fault.KindOf(err) == fault.NotFound { // it was listed a moment ago
			return nil, &fault.Error{Op: op, Kind: fault.Conflict, Err: err, Hint: "run it again"}
		}
		return nil, err
	}
	defer got.Body.Close() //nolint:errcheck // nothing was written
	// One byte more than is allowed, so that the caller sees that it is too large.
	data, err := io.ReadAll(io.LimitReader(got.Body, openslo.MaxBytes+1))
	return data, awskit.Explain(op, "s3:GetObject below the prefix", err)
}
