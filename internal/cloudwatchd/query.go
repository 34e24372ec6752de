package cloudwatchd

import (
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/expr"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/insights"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/protocol"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

// Limits of GetMetricData.
const (
	maxQueries    = 500
	maxDatapoints = 100_800
	maxMetrics    = 500 // that one call may read, SEARCH included
)

// query is one entry of MetricDataQueries. Exactly one of metric (with stat),
// math and sql says what it reads.
type query struct {
	id, label string // label "": none given
	hasLabel  bool
	account   string // "": the caller's
	hidden    bool   // ReturnData false
	period    int64  // seconds; of expressions 0 when not given

	isMetric bool
	metric   store.Metric
	stat     stat.Statistic
	unit     string // "": any

	math *expr.Expr
	sql  *insights.Query
}

// dataRequest is a checked GetMetricData request.
type dataRequest struct {
	queries    []query
	start, end int64 // Unix seconds, start as asked
	ascending  bool
	limit      int // datapoints a page
	zone       *time.Location
	token      *string
	derived    bool // it has expressions: no paging
}

// readDataRequest checks everything that can be checked without data. Faults of
// queries are collected, as AWS does.
func readDataRequest(c *call) (dataRequest, *protocol.Error) {
	req, err := readRange(c)
	if err != nil {
		return req, err
	}
	subs := c.args.Subs("MetricDataQueries")
	switch {
	case c.args.Err() != nil:
		return req, c.args.Err()
	case len(subs) == 0:
		return req, validation("The parameter MetricDataQueries is required.")
	case len(subs) > maxQueries:
		return req, validation("The collection MetricDataQueries must not have a size greater than %d.", maxQueries)
	}
	var wrong []string
	seen := map[string]bool{}
	selects := 0
	for _, a := range subs {
		q, text := readQuery(a)
		if a.Err() != nil {
			return req, a.Err()
		}
		if text == "" && seen[q.id] {
			text = "The values for parameter id in MetricDataQueries are not unique."
		}
		if text != "" {
			wrong = append(wrong, text)
			continue
		}
		seen[q.id] = true
		if q.sql != nil {
			selects++
		}
		req.derived = req.derived || !q.isMetric
		req.queries = append(req.queries, q)
	}
	if selects > 1 {
		wrong = append(wrong, "A request can include only one Metrics Insights query.")
	}
	if len(wrong) > 0 {
		return req, validation("%s", strings.Join(wrong, "\n"))
	}
	return req, nil
}

// readRange reads what is common to all queries.
func readRange(c *call) (dataRequest, *protocol.Error) {
	req := dataRequest{limit: maxDatapoints, zone: time.UTC, token: c.args.Text("NextToken")}
	start, end, limit, scan := c.args.Time("StartTime"), c.args.Time("EndTime"), c.args.Whole("MaxDatapoints"), c.args.Text("ScanBy")
	options, _ := c.args.Sub("LabelOptions")
	zone := options.Text("Timezone")
	switch {
	case c.args.Err() != nil:
		return req, c.args.Err()
	case start == nil:
		return req, validation("The parameter StartTime is required.")
	case end == nil:
		return req, validation("The parameter EndTime is required.")
	case !start.Before(*end):
		return req, validation("The parameter StartTime must be less than the parameter EndTime.")
	case scan != nil && *scan != "TimestampAscending" && *scan != "TimestampDescending":
		return req, validation("The value %s for parameter ScanBy must be TimestampAscending or TimestampDescending.", *scan)
	case limit != nil && *limit < 1:
		return req, validation("The value %d for parameter MaxDatapoints must be at least 1.", *limit)
	}
	req.start, req.end = start.Unix(), ceilSecond(*end)
	req.ascending = scan != nil && *scan == "TimestampAscending"
	if limit != nil {
		req.limit = int(min(*limit, maxDatapoints))
	}
	if zone != nil {
		z, err := time.Parse("-0700", *zone)
		if err != nil {
			return req, validation("The value %s for parameter LabelOptions.Timezone must be an offset such as +0130.", *zone)
		}
		req.zone = z.Location()
	}
	return req, nil
}

func ceilSecond(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

// readQuery reads one query; text says what is wrong with it.
func readQuery(a protocol.Args) (q query, text string) {
	id, label, account, shown, period := a.Text("Id"), a.Text("Label"), a.Text("AccountId"), a.Flag("ReturnData"), a.Whole("Period")
	expression := a.Text("Expression")
	metric, isMetric := a.Sub("MetricStat")
	q.isMetric = isMetric
	if id == nil || !validID(*id) {
		return q, "The value " + show(id) + " for parameter " + a.Path("Id") + " is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
	}
	q.id, q.hidden = *id, shown != nil && !*shown
	if label != nil {
		q.label, q.hasLabel = *label, true
	}
	if account != nil {
		q.account = *account
	}
	if period != nil {
		if q.period = *period; !validPeriod(q.period) {
			return q, periodText(q.period, a.Path("Period"))
		}
	}
	switch {
	case expression != nil && q.isMetric:
		return q, "The parameters " + a.Path("Expression") + " and " + a.Path("MetricStat") + " are mutually exclusive and you have specified both."
	case expression == nil && !q.isMetric:
		return q, "Either " + a.Path("Expression") + " or " + a.Path("MetricStat") + " must be specified."
	case q.isMetric:
		return q, readMetricStat(&q, metric)
	}
	return q, readExpression(&q, *expression)
}

func show(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

func validID(id string) bool {
	if id == "" || len(id) > maxName || id[0] < 'a' || id[0] > 'z' {
		return false
	}
	return !strings.ContainsFunc(id, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	})
}

func validPeriod(p int64) bool {
	switch p {
	case 1, 5, 10, 20, 30:
		return true
	}
	return p > 0 && p%60 == 0 && p <= 400*86400
}

func periodText(p int64, path string) string {
	return "The value " + itoa(p) + " for parameter " + path + " must be 1, 5, 10, 20, 30, or a multiple of 60."
}

func readMetricStat(q *query, a protocol.Args) (text string) {
	if text := readMetric(q, a); text != "" {
		return text
	}
	period, st, unit := a.Whole("Period"), a.Text("Stat"), a.Text("Unit")
	switch {
	case period == nil && q.period == 0:
		return "The parameter " + a.Path("Period") + " is required."
	case period != nil && !validPeriod(*period):
		return periodText(*period, a.Path("Period"))
	case unit != nil && unitRank(*unit) < 0:
		return "The value " + *unit + " for parameter " + a.Path("Unit") + " is not a unit."
	}
	var bad error
	if q.stat, bad = stat.Parse(show(st)); bad != nil {
		return "The value " + show(st) + " for parameter " + a.Path("Stat") + " is not a valid statistic."
	}
	if period != nil {
		q.period = *period
	}
	if unit != nil {
		q.unit = *unit
	}
	return ""
}

func readMetric(q *query, a protocol.Args) (text string) {
	metric, ok := a.Sub("Metric")
	name, namespace := metric.Text("MetricName"), metric.Text("Namespace")
	dims, err := readDimensions(metric)
	switch {
	case err != nil:
		return err.Message
	case !ok || name == nil || namespace == nil || *name == "" || *namespace == "":
		return "The parameters " + a.Path("Metric.Namespace") + " and " + a.Path("Metric.MetricName") + " are required."
	case len(dims) > maxDimensions:
		return "The collection " + a.Path("Metric.Dimensions") + " must not have a size greater than 30."
	}
	q.metric = store.NewMetric(*namespace, *name, dims)
	return ""
}

func readExpression(q *query, text string) string {
	if insights.Is(text) {
		sql, err := insights.Parse(text)
		if err != nil {
			return "Error in expression '" + q.id + "': " + err.Error()
		}
		if q.period == 0 {
			return "Error in expression '" + q.id + "': a Metrics Insights query needs a Period."
		}
		q.sql = sql
		return ""
	}
	var err error
	if q.math, err = expr.Parse(text); err != nil {
		return "Error in expression '" + q.id + "': " + err.Error()
	}
	return ""
}
