package ssm_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"

	"gitlab.com/nines-sre/nines/internal/config/configtest"
	"gitlab.com/nines-sre/nines/internal/config/ssm"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// store is a parameter store in memory; its pages hold what was asked for.
type store struct {
	mu     sync.Mutex
	all    map[string]types.Parameter
	writes int64
	fail   error
}

func (s *store) put(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	p := s.all[name]
	p.Name, p.Value, p.Version = aws.String(name), aws.String(value), p.Version+1
	p.LastModifiedDate = aws.Time(time.UnixMilli(s.writes))
	s.all[name] = p
}

func (s *store) delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, name)
}

func (s *store) GetParametersByPath(ctx context.Context, in *sdk.GetParametersByPathInput, _ ...func(*sdk.Options)) (*sdk.GetParametersByPathOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if s.fail != nil {
		return nil, s.fail
	}
	out := &sdk.GetParametersByPathOutput{}
	for _, name := range slices.Sorted(maps.Keys(s.all)) {
		if !strings.HasPrefix(name, *in.Path+"/") || name <= aws.ToString(in.NextToken) {
			continue
		}
		if len(out.Parameters) == int(*in.MaxResults) {
			out.NextToken = out.Parameters[len(out.Parameters)-1].Name
			break
		}
		out.Parameters = append(out.Parameters, s.all[name])
	}
	return out, nil
}

func (s *store) GetParameter(_ context.Context, in *sdk.GetParameterInput, _ ...func(*sdk.Options)) (*sdk.GetParameterOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.all[*in.Name]
	if !ok {
		return nil, &types.ParameterNotFound{}
	}
	return &sdk.GetParameterOutput{Parameter: &p}, nil
}

func open(t *testing.T, address string, s *store) *ssm.Source {
	t.Helper()
	src, err := ssm.New(address, func(context.Context) (ssm.API, error) { return s, nil })
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestSuite(t *testing.T) {
	configtest.Run(t, func(t *testing.T) configtest.Place {
		s := &store{all: map[string]types.Parameter{}}
		s.put("/nines/slo-old/x", "x: 1\n")
		return configtest.Place{
			Source: open(t, "ssm:/nines/slo", s), Many: 23,
			Name:   func(name string) string { return "ssm:/nines/slo/" + name },
			Put:    func(_ *testing.T, name, data string) { s.put("/nines/slo/"+name, data) },
			Delete: func(_ *testing.T, name string) { s.delete("/nines/slo/" + name) },
		}
	})
}

func TestOneParameter(t *testing.T) {
	s := &store{all: map[string]types.Parameter{}}
	s.put("/nines/slo", "a: 1\n")
	for _, address := range []string{"ssm:/nines/slo", "ssm://nines/slo", "ssm:///nines/slo/", "ssm:/nines/slo?region=eu-west-1"} {
		src := open(t, address, s)
		items, err := src.List(t.Context())
		if err != nil || len(items) != 1 || items[0].Name != "ssm:/nines/slo" || !items[0].Named {
			t.Fatalf("%s: %+v, %v", address, items, err)
		}
		if data, err := src.Read(t.Context(), items[0]); err != nil || string(data) != "a: 1\n" {
			t.Errorf("%s reads %q, %v", address, data, err)
		}
	}
	if items, err := open(t, "ssm:/nothing", s).List(t.Context()); err != nil || len(items) != 0 {
		t.Errorf("an empty path: %v, %v", items, err)
	}
	// A parameter that is deleted and made anew counts from 1 again.
	src := open(t, "ssm:/nines", s)
	before, _ := src.List(t.Context())
	s.delete("/nines/slo")
	s.put("/nines/slo", "a: 2\n")
	if after, err := src.List(t.Context()); err != nil || after[0].Version == before[0].Version {
		t.Errorf("made anew: %v, %v", after, err)
	}
}

func TestErrors(t *testing.T) {
	for code, want := range map[string]fault.Kind{
		"AccessDeniedException": fault.Denied, "ThrottlingException": fault.Throttled, "ValidationException": fault.Invalid,
		"InternalServerError": fault.Unavailable, "InvalidKeyId": fault.Denied,
	} {
		s := &store{fail: &smithy.GenericAPIError{Code: code}}
		if _, err := open(t, "ssm:/nines", s).List(t.Context()); fault.KindOf(err) != want {
			t.Errorf("%s is %v (%v), want %v", code, fault.KindOf(err), err, want)
		}
	}
	for _, address := range []string{"ssm:", "ssm:/", "ssm:/x?zone=eu"} {
		if _, err := ssm.Open(t.Context(), address); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", address, err)
		}
	}
}
