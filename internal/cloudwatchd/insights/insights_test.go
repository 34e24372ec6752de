package insights_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/insights"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

func TestParse(t *testing.T) {
	for src, want := range map[string]insights.Query{
		`SELECT AVG(CPUUtilization) FROM "AWS/EC2"`:         {Function: "AVG", Metric: "CPUUtilization", Namespace: "AWS/EC2", Limit: 500},
		`select Max(CPUUtilization) from Schema("AWS/EC2")`: {Function: "MAX", Metric: "CPUUtilization", Namespace: "AWS/EC2", Schema: true, Limit: 500},
		`SELECT AVG("LIMIT") FROM shop`:                     {Function: "AVG", Metric: "LIMIT", Namespace: "shop", Limit: 500},
		`SELECT AVG("Bytes\"Input\"") FROM shop`:            {Function: "AVG", Metric: `Bytes"Input"`, Namespace: "shop", Limit: 500},
		"SELECT SUM(RequestCount)\nFROM SCHEMA(\"AWS/ApplicationELB\", LoadBalancer, AvailabilityZone)\nWHERE LoadBalancer = 'app/load-balancer-1' AND x != 'y'\nGROUP BY AvailabilityZone, z\nORDER BY MAX() DESC\nLIMIT 5": {
			Function: "SUM", Metric: "RequestCount", Namespace: "AWS/ApplicationELB", Schema: true, Keys: []string{"LoadBalancer", "AvailabilityZone"},
			Where:   []insights.Condition{{Key: "LoadBalancer", Value: "app/load-balancer-1"}, {Key: "x", Value: "y", Not: true}},
			GroupBy: []string{"AvailabilityZone", "z"}, OrderBy: "MAX", Desc: true, Limit: 5,
		},
		`SELECT COUNT(m) FROM s ORDER BY COUNT() ASC`: {Function: "COUNT", Metric: "m", Namespace: "s", OrderBy: "COUNT", Limit: 500},
	} {
		got, err := insights.Parse(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
		} else if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("%s: %s", src, diff)
		}
		if !insights.Is(src) {
			t.Errorf("%s is not taken for a query", src)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, src := range []string{
		"SELECT", "SELECT AVG FROM x", "SELECT AVG(m)", "SELECT P99(m) FROM s", "SELECT AVG(m) FROM AWS/EC2", "SELECT AVG(limit) FROM s",
		"SELECT AVG(m) FROM s WHERE a = b", "SELECT AVG(m) FROM s WHERE a > 'b'", "SELECT AVG(m) FROM s WHERE a = 'b' OR c = 'd'",
		"SELECT AVG(m) FROM s LIMIT 0", "SELECT AVG(m) FROM s LIMIT 501", "SELECT AVG(m) FROM s LIMIT 'a'", "SELECT AVG(m) FROM s ORDER BY m",
		"SELECT AVG(m) FROM s GROUP a", "SELECT AVG(m) FROM SCHEMA(s", "SELECT AVG(m) FROM s extra", "SELECT AVG(m) FROM 's'", "SELECT AVG('m') FROM s", "SELECT AVG(m) FROM \"s",
		"SELECT AVG(m) FROM s LIMIT 5 WHERE a = 'b'",
	} {
		if q, err := insights.Parse(src); err == nil {
			t.Errorf("%s was accepted: %+v", src, q)
		}
	}
	if insights.Is("SELECTED + 1") || insights.Is("m1") || insights.Is("") {
		t.Error("metric math is taken for a query")
	}
}

func TestMatching(t *testing.T) {
	m := store.NewMetric("s", "m", []store.Dimension{{Name: "b", Value: "2"}, {Name: "a", Value: "1"}})
	for src, want := range map[string]bool{
		"SELECT SUM(m) FROM s":                          true,
		"SELECT SUM(n) FROM s":                          false,
		"SELECT SUM(m) FROM S":                          false,
		"SELECT SUM(m) FROM SCHEMA(s)":                  false,
		"SELECT SUM(m) FROM SCHEMA(s, a)":               false,
		"SELECT SUM(m) FROM SCHEMA(s, b, a)":            true,
		"SELECT SUM(m) FROM s WHERE a = '1'":            true,
		"SELECT SUM(m) FROM s WHERE a != '1'":           false,
		"SELECT SUM(m) FROM s WHERE c = '1'":            false,
		"SELECT SUM(m) FROM s WHERE c != '1'":           true,
		"SELECT SUM(m) FROM s WHERE a='1' AND b != 'x'": true,
	} {
		q, err := insights.Parse(src)
		if err != nil || q.Matches(m) != want {
			t.Errorf("%s: %v", src, err)
		}
	}
	q, err := insights.Parse("SELECT SUM(m) FROM s GROUP BY b, c")
	if err != nil || !slices.Equal(q.Group(m), []string{"2", insights.Other}) {
		t.Errorf("group %v, %v", q.Group(m), err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`SELECT SUM(m) FROM SCHEMA("a", b) WHERE c != 'd' GROUP BY e ORDER BY AVG() LIMIT 3`)
	f.Add(`SELECT SUM("\`)
	f.Fuzz(func(t *testing.T, src string) {
		q, err := insights.Parse(src)
		if err == nil && (q.Limit < 1 || q.Limit > insights.MaxLimit || q.Metric == "" || q.Namespace == "" || !strings.Contains("AVG COUNT MAX MIN SUM", q.Function)) {
			t.Errorf("%q gives %+v", src, q)
		}
	})
}
