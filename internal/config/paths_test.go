package config_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// monorepo is a catalog of services with paths.
func monorepo(unmapped string) *config.Catalog {
	return &config.Catalog{
		Services: []config.Service{
			{Name: "search", Paths: []string{"services/search/", "libs/{index,rank}/**"}},
			{Name: "payment-api", Paths: []string{"services/payment", "./proto/pay*.proto"}},
			{Name: "web", Paths: []string{"web/**/*.ts", "libs/rank"}},
			{Name: "elsewhere"},
		},
		Settings: config.Settings{Unmapped: unmapped},
	}
}

func TestTouched(t *testing.T) {
	for name, c := range map[string]struct {
		changed, services, unmapped []string
		all                         bool
	}{
		"nothing":           {nil, nil, nil, false},
		"a folder":          {[]string{"services/payment/a/b.go"}, []string{"payment-api"}, nil, false},
		"no part of a name": {[]string{"services/payments/x"}, nil, []string{"services/payments/x"}, true},
		"several":           {[]string{"libs/rank/x.go"}, []string{"search", "web"}, nil, false},
		"a star":            {[]string{"proto/payment.proto"}, []string{"payment-api"}, nil, false},
		"no star over /":    {[]string{"proto/pay/x.proto"}, nil, []string{"proto/pay/x.proto"}, true},
		"any depth":         {[]string{"web/x.ts", "web/a/b/c.ts"}, []string{"web"}, nil, false},
		"odd names":         {[]string{"services/search/ü \"z\"\n"}, []string{"search"}, nil, false},
		"both":              {[]string{"README.md", "services/search/x"}, []string{"search"}, []string{"README.md"}, true},
	} {
		for _, unmapped := range []string{"", "all", "ignore"} {
			got, err := monorepo(unmapped).Touched(c.changed)
			want := config.Touched{Services: c.services, Unmapped: c.unmapped}
			if c.all && unmapped != "ignore" {
				want.All, want.Services = true, []string{"payment-api", "search", "web"}
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s, %q: %v (-want +got):\n%s", name, unmapped, err, diff)
			}
		}
	}
	if _, err := (&config.Catalog{Services: []config.Service{{Name: "a"}}}).Touched([]string{"x"}); fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
		t.Errorf("no service has paths: %v", err)
	}
}

// TestTouchedIsTheModel holds the mapping against regular expressions, and
// checks that no change is lost: each path belongs to a service or is unmapped.
func TestTouchedIsTheModel(t *testing.T) {
	words := rapid.SampledFrom([]string{"a", "b", "ab", "a.go", "lib"})
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.Map(rapid.SliceOfN(words, 1, 4), func(p []string) string { return strings.Join(p, "/") })
		part := rapid.SampledFrom([]string{"a", "b", "ab", "lib", "*", "?", "a*", "**"})
		glob := rapid.Map(rapid.SliceOfN(part, 1, 3), func(p []string) string { return strings.Join(p, "/") })
		changed := rapid.SliceOfN(path, 0, 4).Draw(t, "changed")
		cat := &config.Catalog{Settings: config.Settings{Unmapped: rapid.SampledFrom([]string{"", "all", "ignore"}).Draw(t, "unmapped")}}
		for _, name := range []string{"one", "two"} {
			cat.Services = append(cat.Services, config.Service{Name: name, Paths: rapid.SliceOfN(glob, 1, 2).Draw(t, name)})
		}
		got, err := cat.Touched(changed)
		if err != nil {
			t.Fatal(err)
		}
		want := config.Touched{}
		for _, p := range changed {
			mine := false
			for _, s := range cat.Services {
				if slices.ContainsFunc(s.Paths, func(g string) bool { return model(g).MatchString(p + "/") }) {
					mine = true
					want.Services = append(want.Services, s.Name)
				}
			}
			if !mine {
				want.Unmapped = append(want.Unmapped, p)
			}
		}
		if len(want.Unmapped) > 0 && cat.Settings.Unmapped != "ignore" {
			want.All, want.Services = true, []string{"one", "two"}
		}
		slices.Sort(want.Services)
		want.Services = slices.Compact(want.Services)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v, %q (-want +got):\n%s", cat.Services, changed, diff)
		}
	})
}

// model is a pattern as a regular expression over a path and a slash.
func model(glob string) *regexp.Regexp {
	var b strings.Builder
	for part := range strings.SplitSeq(glob, "/") {
		if part == "**" {
			b.WriteString(`([^/]+/)*`)
			continue
		}
		r := strings.NewReplacer("*", `[^/]*`, "?", `[^/]`, ".", `\.`)
		b.WriteString(r.Replace(part) + "/")
	}
	return regexp.MustCompile(`^` + b.String() + `([^/]+/)*$`)
}

// TestPathsWritten: in short and as an annotation.
func TestPathsWritten(t *testing.T) {
	const text = `apiVersion: nines/v1
kind: Service
metadata: {name: a}
spec:
  paths: [services/a, "libs/{x,y}/**"]
  from: {apigateway: a, region: eu-west-1}
  objectives: [99% available]
---
apiVersion: openslo/v1
kind: Service
metadata: {name: b, annotations: {nines/paths: "services/b, libs/{y,z}"}}
---
apiVersion: nines/v1
kind: Settings
metadata: {name: s}
spec: {unmapped: ignore}
`
	cat, problems := config.Parse([]config.File{{Name: "a.yaml", Data: []byte(text)}}, config.Options{Types: types(), Strict: true})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got, err := cat.Touched([]string{"libs/y/f", "services/b/f", "README.md"})
	if err != nil || !slices.Equal(got.Services, []string{"a", "b"}) || got.All || !slices.Equal(got.Unmapped, []string{"README.md"}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "/", "!x", "../x", "a/../b", "a//b", "a/[", "{a", "."} {
		text := "apiVersion: openslo/v1\nkind: Service\nmetadata:\n  name: b\n  annotations: {nines/paths: '" + bad + "'}\n"
		if _, problems := config.Parse([]config.File{{Name: "a.yaml", Data: []byte(text)}}, config.Options{}); problems.Errors() == 0 {
			t.Errorf("%q is taken", bad)
		}
	}
}
