// Package ssm reads documents from Parameter Store: every parameter below a
// path, or one parameter. A parameter holds up to 4 KB, an advanced one 8 KB;
// secure strings are decrypted.
package ssm

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// Scheme is what addresses begin with: "ssm:/nines/slo".
const Scheme = "ssm"

// pageSize is the most that one answer holds. (SSM API reference,
// GetParametersByPath.)
const pageSize = 10

// API is the part of the SSM client that reading needs.
type API interface {
	GetParametersByPath(context.Context, *ssm.GetParametersByPathInput, ...func(*ssm.Options)) (*ssm.GetParametersByPathOutput, error)
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
}

// Source is a path of parameters. It implements config.Source.
type Source struct {
	path    string // "/nines/slo"
	connect func(ctx context.Context) (API, error)

	mu     sync.Mutex
	api    API
	values map[config.Item][]byte // of the last List
}

var _ config.Source = (*Source)(nil)

// Open is the opener for addresses "ssm:/PATH?region=REGION"; without a region,
// the SDK's own.
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
		return ssm.NewFromConfig(cfg), nil
	})
}

// New is Open with a client of the caller's.
func New(address string, connect func(context.Context) (API, error)) (*Source, error) {
	path, _, err := awskit.Address(address)
	if err != nil {
		return nil, err
	}
	// ssm:///nines, ssm:/nines and ssm://nines mean the same.
	path = "/" + strings.Trim(path, "/")
	if path == "/" {
		return nil, fault.New(fault.Invalid, address, "a path is missing", "write ssm:/PATH: all parameters of an account are not read")
	}
	return &Source{path: path, connect: connect}, nil
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

// List implements config.Source. Values come with the list, so reading asks
// nobody.
func (s *Source) List(ctx context.Context) ([]config.Item, error) {
	api, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	in := &ssm.GetParametersByPathInput{
		Path: &s.path, Recursive: aws.Bool(true), WithDecryption: aws.Bool(true), MaxResults: aws.Int32(pageSize),
	}
	var all []types.Parameter
	for {
		page, err := api.GetParametersByPath(ctx, in)
		if err != nil {
			return nil, awskit.Explain("list ssm:"+s.path, "ssm:GetParametersByPath on it, and kms:Decrypt for secure strings", err)
		}
		all = append(all, page.Parameters...)
		if aws.ToString(page.NextToken) == "" {
			break
		}
		in.NextToken = page.NextToken
	}
	if len(all) > 0 {
		return s.keep(all, false), nil
	}
	one, err := api.GetParameter(ctx, &ssm.GetParameterInput{Name: &s.path, WithDecryption: aws.Bool(true)})
	if err != nil {
		err = awskit.Explain("read ssm:"+s.path, "ssm:GetParameter on it", err)
		if fault.KindOf(err) == fault.NotFound { // a path without parameters is an empty folder
			return s.keep(nil, false), nil
		}
		return nil, err
	}
	return s.keep([]types.Parameter{*one.Parameter}, true), nil
}

// keep remembers values and lists them by name.
func (s *Source) keep(all []types.Parameter, named bool) []config.Item {
	values := make(map[config.Item][]byte, len(all))
	var out []config.Item
	for _, p := range all {
		// A parameter that was deleted and made anew counts from 1 again.
		version := strconv.FormatInt(p.Version, 10)
		if p.LastModifiedDate != nil {
			version += "@" + strconv.FormatInt(p.LastModifiedDate.UnixMilli(), 10)
		}
		item := config.Item{Name: "ssm:" + aws.ToString(p.Name), Version: version, Named: named}
		values[item] = []byte(aws.ToString(p.Value))
		out = append(out, item)
	}
	slices.SortFunc(out, func(a, b config.Item) int { return cmp.Compare(a.Name, b.Name) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values = values
	return out
}

// Read implements config.Source.
func (s *Source) Read(ctx context.Context, item config.Item) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, "read "+item.Name, err, "")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.values[item]
	if !ok {
		return nil, fault.New(fault.Conflict, "read "+item.Name, "it changed while it was read", "run it again")
	}
	return slices.Clone(data), nil
}
