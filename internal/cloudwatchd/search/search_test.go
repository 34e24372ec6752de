package search_test

import (
	"slices"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/search"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

// The table of AWS's documentation.
func TestDocumentedTokens(t *testing.T) {
	for text, want := range map[string]string{
		"CustomCount1":       "customcount1 custom count 1",
		"SDBFailure":         "sdbfailure sdb failure",
		"Project2-trial333":  "project2trial333 project 2 trial 333",
		"Network-Errors_2":   "networkerrors2 network errors 2",
		"simple":             "simple",
		"--":                 "",
		"HTTPCode_ELB_5XX":   "httpcodeelb5xx http code elb 5 xx",
		"i-0123456789abcdef": "i0123456789abcdef i 0123456789 abcdef",
	} {
		if got := strings.Join(search.Tokens(text), " "); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func metric(namespace, name string, dims ...string) store.Metric {
	var d []store.Dimension
	for i := 0; i < len(dims); i += 2 {
		d = append(d, store.Dimension{Name: dims[i], Value: dims[i+1]})
	}
	return store.NewMetric(namespace, name, d)
}

// all is a small account; the numbers in the tests are positions in it.
func all() []store.Metric {
	return []store.Metric{
		0:  metric("AWS/EC2", "CPUUtilization", "InstanceId", "i-1234567890123456"),
		1:  metric("AWS/EC2", "CPUUtilization", "InstanceId", "i-2"),
		2:  metric("AWS/EC2", "CPUUtilization", "InstanceType", "t2.micro"),
		3:  metric("AWS/EC2", "NetworkPacketsIn", "InstanceId", "i-2"),
		4:  metric("AWS/Lambda", "Errors", "FunctionName", "ProjectA-one"),
		5:  metric("AWS/Lambda", "Invocations", "FunctionName", "ProjectA-one"),
		6:  metric("AWS/Lambda", "Invocations", "FunctionName", "other"),
		7:  metric("MyNamespace", "CustomCount1"),
		8:  metric("My Namespace", "Custom:Name[Special_Characters", "Dimension@Name", "x"),
		9:  metric("Geo", `Europe\France Traffic(Network)`),
		10: metric("Net", "Network-Errors-2"),
		11: metric("Net", "NetworkErrors2", "CPUUtilization", "y"),
		12: metric("AWS/EBS", "VolumeReadOps", "VolumeId", "ProjectA"),
	}
}

// The examples of AWS's documentation.
func TestDocumentedSearches(t *testing.T) {
	for expression, want := range map[string][]int{
		` {AWS/EC2,InstanceId} MetricName="CPUUtilization" `:                        {0, 1},
		`{AWS/EC2,InstanceId} network AND packets`:                                  {3},
		` {AWS/EC2,InstanceId} network packets `:                                    {3},
		` {AWS/EC2,InstanceId} MetricName="CPUUtilization" NOT i-1234567890123456 `: {1},
		`NOT Namespace=AWS `:                            {7, 8, 9, 10, 11},
		` "CPUUtilization" `:                            {0, 1, 2, 11},
		` MetricName="CPUUtilization"`:                  {0, 1, 2},
		` InstanceType=micro `:                          {2},
		` InstanceType="t2.micro" Namespace="AWS/EC2" `: {2},
		`count`:                           {7},
		`Count`:                           {7},
		`COUNT`:                           {7},
		`couNT`:                           nil,
		`CustomCount`:                     {7},
		`Count1`:                          {7},
		`customcount`:                     nil,
		`count1`:                          nil,
		` {MyNamespace}, "CustomCount1" `: {7},
		` {MyNamespace}, "customcount1" `: nil,
		` {MyNamespace}, "Custom" `:       nil,
		` {"My Namespace", "Dimension@Name"}, "Custom:Name[Special_Characters" `: {8},
		`"Europe\\France Traffic\(Network\)"`:                                    {9},
		`network/errors`:                                                         {10, 11},
		`network+errors`:                                                         {10, 11},
		`network-errors`:                                                         {10, 11},
		`Network_Errors`:                                                         {10, 11},
		`"Network-Errors-2"`:                                                     {10},
		`"Network_Errors_2"`:                                                     nil,
		` {AWS/Lambda,FunctionName} MetricName="Errors" OR (MetricName="Invocations" AND (ProjectA OR ProjectB)) `: {4, 5},
		` (EC2 OR EBS) AND MetricName=ReadOps `:   {12},
		` (EC2 OR EBS) AND ReadOps AND ProjectA `: {12},
		`{AWS/Lambda}`:                      {4, 5, 6},
		`{AWS/EC2,InstanceId,InstanceType}`: nil,
	} {
		s, err := search.Parse(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		var got []int
		for i, m := range all() {
			if s.Matches(m) {
				got = append(got, i)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", expression, got, want)
		}
	}
}

func TestRefusedSearches(t *testing.T) {
	for _, expression := range []string{
		"", "  ", "{", "{}", "{a", `{"a`, "{a,}", `"open`, "(a", "a)", "a OR", "NOT", "MetricName=", "=a", "a AND OR b", "MetricName=(a)",
		strings.Repeat("(", 100) + "a" + strings.Repeat(")", 100), strings.Repeat("a ", 600),
	} {
		if _, err := search.Parse(expression); err == nil {
			t.Errorf("%.30q was accepted", expression)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{` {AWS/EC2,InstanceId} MetricName="CPU" NOT (a OR b)`, `{"a\"`, `a=b=c`, "NOT NOT x", "é=ß"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, src string) {
		s, err := search.Parse(src)
		if err != nil {
			return
		}
		for _, m := range all() {
			s.Matches(m)
		}
	})
}
