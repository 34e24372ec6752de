package emf_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/emf"
)

var now = time.UnixMilli(1_574_109_732_004) // the timestamp of the specification's example

func reader() emf.Reader {
	return emf.Reader{Now: now, Unit: func(u string) bool { return u == "Milliseconds" || u == "Count" || u == "None" }}
}

// The example of the specification.
const example = `{"_aws":{"Timestamp":1574109732004,"CloudWatchMetrics":[{"Namespace":"lambda-function-metrics","Dimensions":[["functionVersion"]],
"Metrics":[{"Name":"time","Unit":"Milliseconds","StorageResolution":60}]}]},"functionVersion":"$LATEST","time":100,"requestId":"989ffbf8-9ace-4817-a57c-e4dd734019ee"}`

func TestExample(t *testing.T) {
	r := reader().Line([]byte(example))
	if len(r.Data) != 1 || r.Problems != nil || r.Ignored {
		t.Fatalf("%+v", r)
	}
	d := r.Data[0]
	if got := fmt.Sprintf("%q %s %s %v", d.Metric.Key(), d.Unit, time.Unix(d.At, 0).UTC().Format(time.TimeOnly), d.Set); got != `"lambda-function-metrics\x00time\x01functionVersion\x02$LATEST" Milliseconds 20:42:00 {1 100 100 100 [] false}` {
		t.Errorf("%s", got)
	}
}

func TestForms(t *testing.T) {
	line := func(directive, members string) string {
		return fmt.Sprintf(`{"_aws":{"Timestamp":%d,"CloudWatchMetrics":[%s]},%s}`, now.UnixMilli(), directive, members)
	}
	const one = `{"Namespace":"n","Dimensions":[["a"]],"Metrics":[{"Name":"m"}]}`
	for _, c := range []struct {
		name, line string
		data       int
		problem    string
	}{
		{"a list", line(one, `"a":"x","m":[1,2,2]`), 1, ""},
		{"values and counts", line(one, `"a":"x","m":{"Values":[1,2],"Counts":[3,4]}`), 1, ""},
		{"a statistic set", line(one, `"a":"x","m":{"Min":1,"Max":5,"Sum":9,"Count":3}`), 1, ""},
		{"no dimensions", line(`{"Namespace":"n","Dimensions":[[]],"Metrics":[{"Name":"m"}]}`, `"m":1`), 1, ""},
		{"two sets", line(`{"Namespace":"n","Dimensions":[["a"],["a","b"]],"Metrics":[{"Name":"m"},{"Name":"k"}]}`, `"a":"x","b":"y","m":1,"k":2`), 4, ""},
		{"one metric of two is missing", line(`{"Namespace":"n","Dimensions":[["a"]],"Metrics":[{"Name":"m"},{"Name":"k"}]}`, `"a":"x","m":1`), 1, `"k" is not a member`},
		{"a dimension is missing", line(one, `"m":1`), 0, `"a" is not a member`},
		{"a dimension is a number", line(one, `"a":5,"m":1`), 0, `"a" is not a text`},
		{"a dimension is null", line(one, `"a":null,"m":1`), 0, `"a" is not a text`},
		{"a dimension stands twice", line(`{"Namespace":"n","Dimensions":[["a","a"]],"Metrics":[{"Name":"m"}]}`, `"a":"x","m":1`), 0, "twice"},
		{"the metric is a text", line(one, `"a":"x","m":"1"`), 0, "neither a number"},
		{"the metric is null", line(one, `"a":"x","m":null`), 0, "neither a number"},
		{"null in a list", line(one, `"a":"x","m":[1,null]`), 0, "neither a number"},
		{"an empty list", line(one, `"a":"x","m":[]`), 0, "0 values"},
		{"101 values", line(one, `"a":"x","m":[`+strings.Repeat("1,", 100)+`1]`), 0, "101 values"},
		{"counts do not fit", line(one, `"a":"x","m":{"Values":[1,2],"Counts":[3]}`), 0, "differ in length"},
		{"half a set", line(one, `"a":"x","m":{"Min":1,"Max":5}`), 0, "needs Values and Counts"},
		{"no such unit", line(`{"Namespace":"n","Dimensions":[[]],"Metrics":[{"Name":"m","Unit":"Parsec"}]}`, `"m":1`), 0, "Parsec"},
		{"a resolution of 5", line(`{"Namespace":"n","Dimensions":[[]],"Metrics":[{"Name":"m","StorageResolution":5}]}`, `"m":1`), 0, "StorageResolution"},
		{"no namespace", line(`{"Dimensions":[[]],"Metrics":[{"Name":"m"}]}`, `"m":1`), 0, "Namespace"},
		{"no directives", line(``, `"m":1`), 0, "empty"},
		{"101 metrics", line(`{"Namespace":"n","Metrics":[`+strings.Repeat(`{"Name":"m"},`, 100)+`{"Name":"m"}]}`, `"m":1`), 0, "101 metrics"},
		{"31 dimensions", line(`{"Namespace":"n","Dimensions":[[`+strings.Repeat(`"a",`, 30)+`"a"]],"Metrics":[{"Name":"m"}]}`, `"a":"x","m":1`), 0, "31 names"},
		{"too large", line(one, `"a":"x","m":1e200`), 0, "out of range"},
		{"no timestamp", `{"_aws":{"CloudWatchMetrics":[` + one + `]},"a":"x","m":1}`, 0, "Timestamp is missing"},
		{"an old timestamp", `{"_aws":{"Timestamp":5,"CloudWatchMetrics":[` + one + `]},"a":"x","m":1}`, 0, "two weeks"},
		{"a timestamp in nanoseconds", `{"_aws":{"Timestamp":1574109732004000000,"CloudWatchMetrics":[` + one + `]},"a":"x","m":1}`, 0, "milliseconds"},
		{"_aws is a text", `{"_aws":"x"}`, 0, "_aws"},
		{"the line is cut off", example[:200], 0, "not JSON"},
	} {
		r := reader().Line([]byte(c.line))
		if len(r.Data) != c.data || r.Ignored || (c.problem == "") != (len(r.Problems) == 0) || c.problem != "" && !strings.Contains(r.Problems[0], c.problem) {
			t.Errorf("%s: %d data, problems %q", c.name, len(r.Data), r.Problems)
		}
	}
	for _, s := range []string{"", "  ", "text", `{"a":1}`, `[1]`, `{"a":"\"_aws\""}`, `{"a":{"_aws":1}}`} {
		if r := reader().Line([]byte(s)); !r.Ignored || len(r.Problems) > 0 {
			t.Errorf("%q is an ordinary line: %+v", s, r)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(`{"_aws":{"Timestamp":1574109732004,"CloudWatchMetrics":[{"Namespace":"n","Metrics":[{"Name":"m"}]}]},"m":{"Values":[1],"Counts":[0]}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, d := range reader().Line(line).Data {
			s := d.Set
			if s.Count < 0 || math.IsNaN(s.Sum) || math.IsInf(s.Sum, 0) && s.Count < 1e10 || s.Min > s.Max || d.Metric.Namespace == "" {
				t.Errorf("%q gives %+v", line, d)
			}
		}
	})
}
