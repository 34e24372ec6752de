package cloudwatchd_test

import (
	"cmp"
	"fmt"
	"math"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
)

// sample is one value of the model: the model keeps nothing else.
type sample struct {
	at    time.Time
	value float64
	set   bool // it came in a statistic set with a spread
}

// model is the second computation of GetMetricData: it goes through every
// sample for every period, with times and no arithmetic on Unix seconds.
type model map[string][]sample // by metric, dimension and unit

func (m model) read(key, stat string, period time.Duration, from, to, now time.Time) map[time.Time]float64 {
	keep := map[bool]time.Duration{true: 15 * 24 * time.Hour, false: 3 * time.Hour}[period%time.Minute == 0]
	if period%(5*time.Minute) == 0 {
		keep = 63 * 24 * time.Hour
	}
	if period%time.Hour == 0 {
		keep = 455 * 24 * time.Hour
	}
	rounding := time.Minute
	if age := now.Sub(from); age > 63*24*time.Hour {
		rounding = time.Hour
	} else if age > 15*24*time.Hour {
		rounding = 5 * time.Minute
	}
	start := from.Truncate(min(rounding, period)).Truncate(period)
	out := map[time.Time]float64{}
	for at := start; at.Before(to); at = at.Add(period) {
		if at.Before(now.Add(-keep)) {
			continue
		}
		var values []float64
		opaque := false
		for _, s := range m[key] {
			if !s.at.Before(at) && s.at.Before(at.Add(period)) && s.at.Before(to) {
				values = append(values, s.value)
				opaque = opaque || s.set
			}
		}
		slices.Sort(values)
		if v, ok := statistic(stat, values, opaque); ok {
			out[at.UTC()] = v
		}
	}
	return out
}

// statistic knows the few that the model is asked for.
func statistic(name string, values []float64, opaque bool) (float64, bool) {
	n := len(values)
	if n == 0 {
		return 0, false
	}
	sum, low := 0.0, 0.0
	for _, v := range values {
		sum += v
		if v <= 300 {
			low++
		}
	}
	switch name {
	case "SampleCount":
		return float64(n), true
	case "Sum":
		return sum, true
	case "Average":
		return sum / float64(n), true
	case "Maximum":
		return values[n-1], true
	}
	if opaque || values[0] < 0 {
		return 0, false
	}
	switch name {
	case "TC(:300)":
		return low, true
	case "PR(:300)":
		return 100 * low / float64(n), true
	}
	return values[max(int(math.Ceil(float64(n)*0.9))-1, 0)], true // p90
}

func drawDatum(rt *rapid.T, m model) types.MetricDatum {
	name := rapid.SampledFrom([]string{"m", "n"}).Draw(rt, "name")
	az := rapid.SampledFrom([]string{"", "a"}).Draw(rt, "az")
	unit := rapid.SampledFrom([]types.StandardUnit{types.StandardUnitMilliseconds, types.StandardUnitCount}).Draw(rt, "unit")
	at := noon.Add(-time.Duration(rapid.IntRange(0, 4*3600).Draw(rt, "age")) * time.Second)
	d := types.MetricDatum{MetricName: &name, Timestamp: &at, Unit: unit}
	if az != "" {
		d.Dimensions = []types.Dimension{dim("az", az)}
	}
	step := time.Minute
	if rapid.Bool().Draw(rt, "fine") {
		d.StorageResolution = aws.Int32(1)
		step = time.Second
	}
	key := fmt.Sprint(name, az, unit)
	add := func(v float64, times int, set bool) {
		for range times {
			m[key] = append(m[key], sample{at.Truncate(step), v, set})
		}
	}
	value := rapid.SampledFrom([]float64{0, 1, 299.5, 300, 300.5, 1000, -4})
	switch rapid.IntRange(0, 4).Draw(rt, "kind") {
	case 0:
		v, w := value.Draw(rt, "low"), value.Draw(rt, "high")
		d.StatisticValues = &types.StatisticSet{SampleCount: aws.Float64(2), Sum: aws.Float64(v + w), Minimum: aws.Float64(min(v, w)), Maximum: aws.Float64(max(v, w))}
		add(v, 1, v != w)
		add(w, 1, v != w)
	case 1:
		v := value.Draw(rt, "v")
		d.Value = &v
		add(v, 1, false)
	default:
		for range rapid.IntRange(1, 4).Draw(rt, "values") {
			v, n := value.Draw(rt, "v"), rapid.IntRange(1, 3).Draw(rt, "n")
			d.Values, d.Counts = append(d.Values, v), append(d.Counts, float64(n))
			add(v, n, false)
		}
	}
	return d
}

// Random publications, read with random statistics, periods, ranges and ages,
// on pages of random size: the same as the model says.
func TestAgainstAModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, err := cloudwatchd.New(t.Context(), cloudwatchd.Config{Clock: func() time.Time { return noon }})
		if err != nil {
			rt.Fatal(err)
		}
		h := httptest.NewServer(s)
		defer h.Close()
		b := &bench{t: t, server: s, url: h.URL, http: h.Client()}
		b.cw = b.client("eu-west-1", "AKIDEXAMPLE")
		m := model{}
		for range rapid.IntRange(1, 4).Draw(rt, "calls") {
			b.put(many(rapid.IntRange(1, 20).Draw(rt, "data"), func(int) types.MetricDatum { return drawDatum(rt, m) })...)
		}
		age := rapid.SampledFrom([]time.Duration{0, time.Hour, 14*24*time.Hour + 23*time.Hour, 20 * 24 * time.Hour, 62*24*time.Hour + 22*time.Hour, 100 * 24 * time.Hour}).Draw(rt, "age")
		s.Clock().Advance(age)
		from := noon.Add(-time.Duration(rapid.IntRange(1, 5*3600).Draw(rt, "from")) * time.Second)
		to := from.Add(time.Duration(rapid.IntRange(1, 5*3600).Draw(rt, "length")) * time.Second)
		var in []types.MetricDataQuery
		var keys []string
		for i := range rapid.IntRange(1, 5).Draw(rt, "queries") {
			name := rapid.SampledFrom([]string{"m", "n"}).Draw(rt, "q name")
			az := rapid.SampledFrom([]string{"", "a"}).Draw(rt, "q az")
			stat := rapid.SampledFrom([]string{"SampleCount", "Sum", "Average", "Maximum", "TC(:300)", "PR(:300)", "p90"}).Draw(rt, "stat")
			q := ask(fmt.Sprint("q", i), name, stat, rapid.SampledFrom([]int32{1, 10, 60, 120, 300, 900, 3600, 7200}).Draw(rt, "period"))
			q.MetricStat.Unit = types.StandardUnitMilliseconds
			if az != "" {
				q.MetricStat.Metric.Dimensions = []types.Dimension{dim("az", az)}
			}
			in, keys = append(in, q), append(keys, fmt.Sprint(name, az, types.StandardUnitMilliseconds))
		}
		req := window(from, to, in...)
		req.MaxDatapoints = aws.Int32(rapid.Int32Range(1, 300).Draw(rt, "page"))
		got := make([]map[time.Time]float64, len(in))
		for p := cloudwatch.NewGetMetricDataPaginator(b.cw, req); p.HasMorePages(); {
			out, err := p.NextPage(t.Context())
			if err != nil {
				rt.Fatal(err)
			}
			for _, r := range out.MetricDataResults {
				i := slices.IndexFunc(in, func(q types.MetricDataQuery) bool { return *q.Id == *r.Id })
				if got[i] == nil {
					got[i] = map[time.Time]float64{}
				}
				for k, at := range r.Timestamps {
					if _, twice := got[i][at.UTC()]; twice {
						rt.Fatalf("%s has %v twice", *r.Id, at)
					}
					got[i][at.UTC()] = r.Values[k]
				}
			}
		}
		for i, q := range in {
			period := time.Duration(*q.MetricStat.Period) * time.Second
			want := m.read(keys[i], *q.MetricStat.Stat, period, from, to, noon.Add(age))
			if diff := differs(want, got[i]); diff != "" {
				rt.Fatalf("%s %s every %v, %v to %v, read %v later: %s", keys[i], *q.MetricStat.Stat, period, from, to, age, diff)
			}
		}
	})
}

// differs lists the instants at which two series are not the same.
func differs(want, got map[time.Time]float64) string {
	var out []string
	for at, w := range want {
		if g, ok := got[at]; !ok || math.Abs(g-w) > 1e-9*max(1, math.Abs(w)) {
			out = append(out, fmt.Sprintf("at %s want %v, got %v (%v)", at.Format(time.TimeOnly), w, g, ok))
		}
	}
	for at, g := range got {
		if _, ok := want[at]; !ok {
			out = append(out, fmt.Sprintf("at %s want nothing, got %v", at.Format(time.TimeOnly), g))
		}
	}
	slices.SortFunc(out, cmp.Compare)
	return strings.Join(out, "\n")
}
