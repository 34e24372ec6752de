package oracle_test

import (
	"fmt"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/telemetry/internal/oracle"
)

// metricLine is a document with one directive; what is empty gets what is right.
func metricLine(namespace, dimensions, metrics, rest string) string {
	or := func(s, right string) string {
		if s == "" {
			return right
		}
		return s
	}
	return fmt.Sprintf(`{"_aws":{"Timestamp":1795417241955,"CloudWatchMetrics":[{"Namespace":%s,"Dimensions":%s,"Metrics":%s}]},%s}`,
		or(namespace, `"Shop"`), or(dimensions, `[["service"]]`), or(metrics, `[{"Name":"Orders","Unit":"Count"}]`),
		or(rest, `"service":"checkout","Orders":1`))
}

// names are the list ["d1",…,"dn"], and members with a value each.
func names(n int) (list, members string) {
	var l, m []string
	for i := range n {
		l = append(l, fmt.Sprintf(`"d%d"`, i))
		m = append(m, fmt.Sprintf(`"d%d":"v"`, i))
	}
	return "[[" + strings.Join(l, ",") + "]]", strings.Join(m, ",") + `,"Orders":1`
}

func metricList(n int) string {
	var l []string
	for i := range n {
		l = append(l, fmt.Sprintf(`{"Name":"M%d"}`, i))
	}
	return "[" + strings.Join(l, ",") + "]"
}

func metricValues(n int) string {
	var l []string
	for i := range n {
		l = append(l, fmt.Sprintf(`"M%d":1`, i))
	}
	return `"service":"checkout",` + strings.Join(l, ",")
}

func text(n int) string { return `"` + strings.Repeat("x", n) + `"` }

func list(n int) string { return "[" + strings.TrimSuffix(strings.Repeat("1,", n), ",") + "]" }

func TestCheckEMF(t *testing.T) {
	t.Parallel()
	ten, tenMembers := names(10)
	thirty, thirtyMembers := names(30)
	most, mostMembers := names(31)
	service := `"service":"checkout",`
	for _, c := range []struct {
		name, line  string
		taken, also bool // by the limits of 2024, and of 2021
	}{
		{"one metric", metricLine("", "", "", ""), true, true},
		{"a newline at the end", metricLine("", "", "", "") + "\n", true, true},
		{"no dimensions", metricLine("", "[[]]", "", `"Orders":1`), true, true},
		{"several values", metricLine("", "", "", service+`"Orders":[1,2.5,-3e4]`), true, true},
		{"100 values", metricLine("", "", "", service+`"Orders":`+list(100)), true, true},
		{"101 values", metricLine("", "", "", service+`"Orders":`+list(101)), false, false},
		{"no values", metricLine("", "", "", service+`"Orders":[]`), false, false},
		{"100 metrics", metricLine("", "", metricList(100), metricValues(100)), true, true},
		{"101 metrics", metricLine("", "", metricList(101), metricValues(101)), false, false},
		{"10 dimensions", metricLine("", ten, "", tenMembers), true, false},
		{"30 dimensions", metricLine("", thirty, "", thirtyMembers), true, false},
		{"31 dimensions", metricLine("", most, "", mostMembers), false, false},
		{"high resolution", metricLine("", "", `[{"Name":"Orders","StorageResolution":1}]`, ""), true, false},
		{"resolution of 5", metricLine("", "", `[{"Name":"Orders","StorageResolution":5}]`, ""), false, false},
		{"unknown unit", metricLine("", "", `[{"Name":"Orders","Unit":"Furlong"}]`, ""), false, false},
		{"no sets", metricLine("", "[]", "", ""), false, false},
		{"dimension twice", metricLine("", `[["service","service"]]`, "", ""), false, false},
		{"namespace of 255", metricLine(text(255), "", "", ""), true, true},
		{"namespace of 1024", metricLine(text(1024), "", "", ""), true, false},
		{"namespace of 1025", metricLine(text(1025), "", "", ""), false, false},
		{"no namespace", metricLine(`""`, "", "", ""), false, false},
		{"dimension name of 250", metricLine("", "[["+text(250)+"]]", "", text(250)+`:"v","Orders":1`), true, true},
		{"dimension name of 255", metricLine("", "[["+text(255)+"]]", "", text(255)+`:"v","Orders":1`), false, true},
		{"metric twice", metricLine("", "", `[{"Name":"Orders"},{"Name":"Orders"}]`, ""), false, false},
		{"metric without a value", metricLine("", "", "", `"service":"checkout"`), false, false},
		{"value in a nested object", metricLine("", "", "", service+`"nested":{"Orders":1}`), false, false},
		{"null", metricLine("", "", "", service+`"Orders":null`), false, false},
		{"a text", metricLine("", "", "", service+`"Orders":"1"`), false, false},
		{"beyond 2^360", metricLine("", "", "", service+`"Orders":1e109`), false, false},
		{"NaN", metricLine("", "", "", service+`"Orders":NaN`), false, false},
		{"dimension without a value", metricLine("", "", "", `"Orders":1`), false, false},
		{"dimension that is a number", metricLine("", "", "", `"service":7,"Orders":1`), false, false},
		{"empty dimension", metricLine("", "", "", `"service":"","Orders":1`), false, false},
		{"dimension of 1024", metricLine("", "", "", `"service":`+text(1024)+`,"Orders":1`), true, true},
		{"dimension of 1025", metricLine("", "", "", `"service":`+text(1025)+`,"Orders":1`), false, false},
		{"control character in a dimension", metricLine("", "", "", `"service":"a\u0007b","Orders":1`), false, false},
		{"dimension name with a colon", metricLine("", `[[":service"]]`, "", `":service":"a","Orders":1`), false, false},
		{"_aws twice", metricLine("", "", "", service+`"Orders":1,"_aws":{}`), false, false},
		{"no _aws", `{"service":"checkout","Orders":1}`, false, false},
		{"a timestamp in seconds with a fraction", strings.Replace(metricLine("", "", "", ""), "1795417241955", "1795417241.5", 1), false, false},
		{"no timestamp", strings.Replace(metricLine("", "", "", ""), `"Timestamp":1795417241955,`, "", 1), false, false},
		{"something before", "INFO " + metricLine("", "", "", ""), false, false},
		{"something after", metricLine("", "", "", "") + "{}", false, false},
		{"two lines", strings.Replace(metricLine("", "", "", ""), ",", ",\n", 1), false, false},
		{"300 KB", metricLine("", "", "", service+`"Orders":1,"pad":`+text(300<<10)), true, false},
		{"1 MB and more", metricLine("", "", "", service+`"Orders":1,"pad":`+text(1<<20)), false, false},
		{"nothing", "", false, false},
		{"an array", "[]", false, false},
		{"cut off", metricLine("", "", "", "")[:80], false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := oracle.CheckEMF([]byte(c.line), oracle.Limits2024); (err == nil) != c.taken {
				t.Errorf("2024: taken is %t, got %v", c.taken, err)
			}
			if err := oracle.CheckEMF([]byte(c.line), oracle.Limits2021); (err == nil) != c.also {
				t.Errorf("2021: taken is %t, got %v", c.also, err)
			}
		})
	}
}

func TestCheckSegment(t *testing.T) {
	t.Parallel()
	const base = `"name":"checkout","id":"70de5b6f19ff9a0a","trace_id":"1-581cf771-a006649127e371903a2de979","start_time":1478293361.271,`
	const ended = base + `"end_time":1478293361.449`
	many := func(n int) string {
		var l []string
		for i := range n {
			l = append(l, fmt.Sprintf(`"k%d":%d`, i, i))
		}
		return "{" + strings.Join(l, ",") + "}"
	}
	sub := `{"name":"DynamoDB","id":"53995c3f42cd8ad8","start_time":1478293361.3,"end_time":1478293361.4,"namespace":"aws","aws":{"operation":"UpdateItem","table_name":"orders"},"http":{"response":{"status":200}}}`
	for _, c := range []struct {
		name, doc string
		taken     bool
	}{
		{"least", ended, true},
		{"in progress", base + `"in_progress":true`, true},
		{"neither ended nor in progress", strings.TrimSuffix(base, ","), false},
		{"both", ended + `,"in_progress":true`, false},
		{"in progress, but not", base + `"in_progress":false`, false},
		{"ends before it starts", base + `"end_time":1478293361`, false},
		{"milliseconds", strings.Replace(ended, "1478293361.449", "1478293361449", 1), false},
		{"time as a text", strings.Replace(ended, "1478293361.271", `"1478293361.271"`, 1), false},
		{"no name", strings.Replace(ended, `"name":"checkout",`, "", 1), false},
		{"letters of any language", strings.Replace(ended, "checkout", `## käse 日本 _.:/%&#=+\\-@`, 1), true},
		{"name with a star", strings.Replace(ended, "checkout", "check*out", 1), false},
		{"empty name", strings.Replace(ended, "checkout", "", 1), false},
		{"name of 200", strings.Replace(ended, "checkout", strings.Repeat("n", 200), 1), true},
		{"name of 201", strings.Replace(ended, "checkout", strings.Repeat("n", 201), 1), false},
		{"no id", strings.Replace(ended, `"id":"70de5b6f19ff9a0a",`, "", 1), false},
		{"short id", strings.Replace(ended, "70de5b6f19ff9a0a", "70de5b6f19ff9a", 1), false},
		{"id that is not hexadecimal", strings.Replace(ended, "70de5b6f19ff9a0a", "70de5b6f19ff9a0g", 1), false},
		{"no trace id", strings.Replace(ended, `"trace_id":"1-581cf771-a006649127e371903a2de979",`, "", 1), false},
		{"W3C's trace id", strings.Replace(ended, "1-581cf771-a006649127e371903a2de979", "581cf771a006649127e371903a2de979", 1), false},
		{"flags", ended + `,"error":true,"throttle":true,"fault":false`, true},
		{"flag as a text", ended + `,"fault":"true"`, false},
		{"cause, by id", ended + `,"cause":"53995c3f42cd8ad8"`, true},
		{"cause", ended + `,"cause":{"working_directory":"/var/task","paths":[],"exceptions":[{"id":"53995c3f42cd8ad8","message":"declined","type":"*pay.Declined","remote":false,"truncated":2,"stack":[{"path":"pay.go","line":88,"label":"pay.Charge"}]}]}`, true},
		{"exception without id", ended + `,"cause":{"exceptions":[{"message":"declined"}]}`, false},
		{"cause, by a text", ended + `,"cause":"card declined"`, false},
		{"line as a text", ended + `,"cause":{"exceptions":[{"id":"53995c3f42cd8ad8","stack":[{"line":"88"}]}]}`, false},
		{"annotations", ended + `,"annotations":{"cold_start":true,"route":"/pay","n":1.5}`, true},
		{"annotation with a dot", ended + `,"annotations":{"http.route":"/pay"}`, false},
		{"annotation without a name", ended + `,"annotations":{"":"/pay"}`, false},
		{"annotation that is an object", ended + `,"annotations":{"a":{}}`, false},
		{"annotation that is null", ended + `,"annotations":{"a":null}`, false},
		{"annotation of 1000", ended + `,"annotations":{"a":` + text(1000) + `}`, true},
		{"annotation of 1001", ended + `,"annotations":{"a":` + text(1001) + `}`, false},
		{"annotation name of 501", ended + `,"annotations":{` + text(501) + `:1}`, false},
		{"50 annotations", ended + `,"annotations":` + many(50), true},
		{"51 annotations", ended + `,"annotations":` + many(51), false},
		{"metadata", ended + `,"metadata":{"default":{"any":[1,null]}}`, true},
		{"metadata without a namespace", ended + `,"metadata":{"any":1}`, false},
		{"http", ended + `,"http":{"request":{"method":"GET","url":"https://x.example/a","client_ip":"1.2.3.4","x_forwarded_for":true},"response":{"status":200,"content_length":7}}`, true},
		{"url of 251", ended + `,"http":{"request":{"url":` + text(251) + `}}`, false},
		{"status as a text", ended + `,"http":{"response":{"status":"200"}}`, false},
		{"user of 251", ended + `,"user":` + text(251), false},
		{"subsegments", ended + `,"subsegments":[` + sub + `]`, true},
		{"subsegment without an end", ended + `,"subsegments":[` + strings.Replace(sub, `"end_time":1478293361.4,`, "", 1) + `]`, false},
		{"unknown namespace", ended + `,"subsegments":[` + strings.Replace(sub, `"aws",`, `"local",`, 1) + `]`, false},
		{"segment with a namespace", ended + `,"namespace":"aws"`, false},
		{"independent subsegment", ended + `,"type":"subsegment","parent_id":"53995c3f42cd8ad8","namespace":"remote","precursor_ids":["53995c3f42cd8ad9"]`, true},
		{"independent subsegment without a parent", ended + `,"type":"subsegment"`, false},
		{"other type", ended + `,"type":"segment","parent_id":"53995c3f42cd8ad8"`, false},
		{"a field that X-Ray does not know", ended + `,"anotations":{"a":1}`, false},
		{"name twice", ended + `,"name":"other"`, false},
		{"64 kB and more", ended + `,"metadata":{"d":{"pad":` + text(64<<10) + `}}`, false},
		{"something after", ended + `} {`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := oracle.CheckSegment([]byte("{" + c.doc + "}")); (err == nil) != c.taken {
				t.Errorf("taken is %t, got %v", c.taken, err)
			}
		})
	}
}
