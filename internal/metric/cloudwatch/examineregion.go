package cloudwatch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
)

// examined is the client of a place.
type examined struct {
	*cw.Client
	place place
}

// region looks at one region as one caller: is it reachable, what may be done,
// and are the metrics there. Rights are probed by the calls that the metrics
// need anyway.
func (x *examiner) region(ctx context.Context, p place, cfg aws.Config) {
	api := &examined{cw.NewFromConfig(cfg), p}
	began := x.s.opt.Now()
	first := x.probe(ctx, api)
	if first != nil && fault.KindOf(first) == fault.Unavailable && !answered(first) {
		x.fault("region", p.name(), first)
		return
	}
	if check := refused(first); check != "" {
		x.fault(check, p.name(), first)
		return
	}
	x.say(about{"region", p.name()}, metric.OK, "CloudWatch answers, in "+x.s.opt.Now().Sub(began).Round(time.Millisecond).String(), "")
	mayList := x.right(listMetrics, p, first)
	subjects := x.subjects(p)
	data := x.data(ctx, api, subjects)
	mayRead := x.right(getMetricData, p, data)
	if x.e.Discover {
		x.right(describeAlarms, p, x.alarms(ctx, api))
		x.say(about{listObjectives, p.name()}, metric.Unknown, "not tried; nines discover goes on without it", "")
	}
	for _, m := range subjects {
		if mayList {
			x.look(ctx, api, m)
		}
	}
	there := present(subjects)
	x.gone(p, subjects, there)
	for _, m := range subjects {
		x.judge(m, mayList, mayRead)
	}
	if mayRead {
		x.expressions(ctx, p, there)
	}
}

// refused says which check it is that a refusal is about, where it is about more
// than one action: whoever asks, or when. "" for anything else.
func refused(err error) string {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || fault.KindOf(err) != fault.Denied || strings.Contains(api.ErrorCode(), "AccessDenied") || api.ErrorCode() == "UnauthorizedOperation" {
		return ""
	}
	if code := api.ErrorCode(); code == "RequestTimeTooSkewed" || code == "RequestExpired" || code == "RequestInTheFuture" {
		return "clock"
	}
	return "credentials"
}

// gone finds expressions of which no part exists: then it is not that nothing
// went wrong, unless bad events are all they count.
func (x *examiner) gone(p place, subjects []*subject, there map[string]bool) {
	for _, q := range x.e.Queries {
		parsed := x.questions[q.Key]
		if parsed == nil || q.Role == "bad" || !slices.Contains(parsed.Places, p) {
			continue
		}
		if parsed.any(there) {
			continue
		}
		for _, m := range subjects {
			m.sparse = m.sparse && !slices.Contains(m.keys, q.Key)
		}
	}
}

// present are the metrics that exist, by their keys.
func present(subjects []*subject) map[string]bool {
	there := map[string]bool{}
	for _, m := range subjects {
		there[m.stat.metricKey()] = m.listed || len(m.recent) > 0
	}
	return there
}

// any says whether one of a question's metrics is there; one without metrics of
// its own (a statement, a SEARCH) may be.
func (q *question) any(there map[string]bool) bool {
	all := q.stats()
	return len(all) == 0 || slices.ContainsFunc(all, func(s stat) bool { return there[s.metricKey()] })
}

// probe lists a page of metrics of a namespace that nobody has.
func (x *examiner) probe(ctx context.Context, api *examined) error {
	return x.ask(ctx, "ListMetrics", api.place, func(ctx context.Context) (middleware.Metadata, error) {
		out, err := api.ListMetrics(ctx, &cw.ListMetricsInput{Namespace: aws.String("nines/doctor")})
		if err != nil {
			return middleware.Metadata{}, err
		}
		return out.ResultMetadata, nil
	})
}

// alarms lists one alarm.
func (x *examiner) alarms(ctx context.Context, api *examined) error {
	return x.ask(ctx, "DescribeAlarms", api.place, func(ctx context.Context) (middleware.Metadata, error) {
		out, err := api.DescribeAlarms(ctx, &cw.DescribeAlarmsInput{MaxRecords: aws.Int32(1)})
		if err != nil {
			return middleware.Metadata{}, err
		}
		return out.ResultMetadata, nil
	})
}

// right says what came of a call that needs a right.
func (x *examiner) right(action string, p place, err error) bool {
	switch {
	case err == nil:
		x.say(about{action, p.name()}, metric.OK, "allowed", "")
		return true
	case fault.KindOf(err) == fault.Throttled:
		x.say(about{action, p.name()}, metric.Warn, short(err), fault.HintOf(err))
		return false
	}
	x.fault(action, p.name(), err)
	return false
}

// subject is one metric, in one unit, and what the documents want of it.
type subject struct {
	stat   stat
	place  place
	keys   []string
	period int64 // assumed, minutes
	// sparse: nothing published may just mean that nothing went wrong.
	sparse bool
	bounds []float64 // in the unit that is assumed

	listed  bool
	near    string // what may have been meant, in words
	recent  []time.Time
	latest  time.Time // newest datapoint of the last two weeks, to the hour where it is older than three
	average float64
	other   bool // there are data without the unit
	partial bool
}

// subjects gathers the metrics that are asked for at a place.
func (x *examiner) subjects(p place) []*subject {
	byKey := map[string]*subject{}
	var out []*subject
	for _, q := range x.e.Queries {
		parsed := x.questions[q.Key]
		if parsed == nil || !slices.Contains(parsed.Places, p) {
			continue
		}
		for _, st := range parsed.stats() {
			m := byKey[st.metricKey()]
			if m == nil {
				m = &subject{stat: st, place: p, period: int64(max(1, parsed.Period)), sparse: true}
				byKey[st.metricKey()] = m
				out = append(out, m)
			}
			m.keys = append(m.keys, q.Key)
			m.period = min(m.period, int64(max(1, parsed.Period)))
			m.sparse = m.sparse && (q.Role == "bad" || parsed.Stat == nil && len(parsed.Stats) > 1)
			m.bounds = append(m.bounds, bounds(st, parsed, x.e.Bounds[q.Key])...)
		}
	}
	return out
}
