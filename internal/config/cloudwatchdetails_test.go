package config_test

import (
	"fmt"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/metric"
)

// details is a CloudWatch data source with these connectionDetails, and what
// lint says of it.
func lintDetails(details string) string {
	text := fmt.Sprintf("{apiVersion: openslo/v1, kind: DataSource, metadata: {name: prod}, spec: {type: CloudWatch, connectionDetails: %s}}", details)
	_, problems := config.Parse([]config.File{{Name: "a.yaml", Data: []byte(text)}}, config.Options{Types: map[string]metric.Type{
		"CloudWatch": {Name: "CloudWatch", Check: config.CheckCloudWatch, CheckDetails: config.CheckCloudWatchDetails},
	}})
	var out []string
	for _, p := range problems {
		out = append(out, fmt.Sprint(p))
	}
	return strings.Join(out, "\n")
}

func TestConnectionDetailsOfCloudWatch(t *testing.T) {
	for _, tc := range []struct{ details, want string }{
		{"{region: eu-west-1, rate: 20, datapointRate: 100000}", ""},
		{"{region: eu-west-1, rate: 0.5, datapointRate: 1e5, period: 5m}", ""},
		{`{regions: [eu-west-1, us-east-1], accountId: "123456789012", roleArn: "arn:aws:iam::123456789012:role/read", externalId: "shop/42"}`, ""},
		{"{}", ""},
		{"{reigon: eu-west-1}", `a CloudWatch data source has no field "reigon"`},
		{"{namespace: AWS/Lambda}", `has no field "namespace"`},
		{"{region: Ireland}", "is not a region"},
		{"{regions: eu-west-1}", "regions must be a list"},
		{"{regions: []}", "regions is empty"},
		{"{regions: [eu-west-1, mars]}", "is not a region"},
		{"{accountId: 42}", "is not an account"},
		{"{roleArn: read}", "is not the ARN of a role"},
		{`{externalId: "a b"}`, "is not an external ID"},
		{"{period: 90s}", "is not a period"},
		{"{rate: fast}", "fast\" is not a rate"},
		{"{rate: 0}", "is not a rate"},
		{"{rate: -1}", "is not a rate"},
		{"{rate: .inf}", "is not a rate"},
		{"{rate: [1]}", "is not a rate"},
		{"{datapointRate: NaN}", "is not a rate"},
		{"{lag: 1m}", ""},
		{"{lag: 0m}", "is not a lag"},
		{"{lag: 16m}", "is not a lag"},
		{"{lag: soon}", "is not a lag"},
		{"{lag: 60}", "is not a lag"},
	} {
		got := lintDetails(tc.details)
		if !strings.Contains(got, tc.want) || tc.want == "" && got != "" {
			t.Errorf("%s: got %q, want %q", tc.details, got, tc.want)
		}
	}
	if got := lintDetails("{accessKeyID: AKIA, rate: 3}"); !strings.Contains(got, "does not belong in a document") || strings.Contains(got, "no field") {
		t.Errorf("a credential: %s", got)
	}
}

// How fast a source is asked, and how late it is, is no part of what is measured.
func TestRatesLeaveTheLineageAlone(t *testing.T) {
	lineage := func(text string) string {
		cat, _ := config.Parse([]config.File{{Name: "a.yaml", Data: []byte(text)}}, config.Options{Types: types()})
		return cat.Indicators[0].Lineage
	}
	faster := strings.Replace(measured, "region: eu-west-1,", "region: eu-west-1, rate: 10, datapointRate: 20000, lag: 1m, externalId: x1,", 1)
	if faster == measured || lineage(faster) != lineage(measured) {
		t.Error("a rate changes the lineage")
	}
}
