package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// spec turns a mapping into plain data: numbers stay decimal texts, so that
// nothing is rounded. Empty values are reported.
func (l *loader) spec(n *openslo.Node) slo.Spec {
	if n == nil || n.Kind != openslo.Map {
		return nil
	}
	out := make(slo.Spec, len(n.Pairs))
	for key, v := range n.Entries() {
		if !v.IsSet() {
			l.report.Errorf(n.KeyPlace(key), "empty-field", "give it a value, or leave the key out", "%s is empty", clipText(key))
			continue
		}
		out[key] = l.plain(v)
	}
	return out
}

func (l *loader) plain(n *openslo.Node) any {
	switch n.Kind {
	case openslo.Map:
		return l.spec(n)
	case openslo.List:
		out := make([]any, 0, len(n.Items))
		for _, it := range n.Items {
			out = append(out, l.plain(it))
		}
		return out
	case openslo.Bool:
		return n.Text == "true"
	case openslo.Number:
		if d, err := slo.ParseDecimal(n.Text); err == nil {
			return d.String()
		}
		return n.Text
	case openslo.String, openslo.Null:
	}
	return n.Text
}

// specProblems reports what a source's type finds wrong with a spec, at the
// places of the fields it names.
func (l *loader) specProblems(n *openslo.Node, problems []metric.SpecProblem) {
	for _, p := range problems {
		at := follow(n, p.Path)
		if p.Warning {
			l.report.Warnf(at.place, "metric-source", p.Hint, "%s", p.Message)
			continue
		}
		l.report.Errorf(at.place, "metric-source", p.Hint, "%s", p.Message)
	}
}

// spot is the deepest node of a path that is there.
type spot struct {
	node  *openslo.Node
	place fault.Place
}

// follow walks a path such as "dimensions.LoadBalancer" or "queries[1].stat".
// Keys that contain a dot themselves are tried whole first.
func follow(n *openslo.Node, path string) spot {
	at := spot{n, n.Where()}
	for path != "" && at.node != nil {
		path = strings.TrimPrefix(path, ".")
		if rest, ok := strings.CutPrefix(path, "["); ok {
			num, tail, _ := strings.Cut(rest, "]")
			i, err := strconv.Atoi(num)
			if err != nil || i < 0 || i >= len(at.node.Items) {
				return at
			}
			at, path = spot{at.node.Items[i], at.node.Items[i].Place}, tail
			continue
		}
		key, tail := nextKey(at.node, path)
		v := at.node.Get(key)
		if v == nil {
			return at
		}
		at, path = spot{v, v.Place}, tail
	}
	return at
}

// nextKey splits the first key off a path.
func nextKey(n *openslo.Node, path string) (key, tail string) {
	for k := range n.Entries() {
		if rest, ok := strings.CutPrefix(path, k); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return k, rest
		}
	}
	if i := strings.IndexAny(path, ".["); i >= 0 {
		return path[:i], path[i:]
	}
	return path, ""
}

// lineage digests what is measured: the source, account, region, query,
// statistic, bound and period, and neither target, window nor credentials.
func lineage(ind *Indicator, source DataSource) string {
	details := withoutSecrets(source.Details)
	if source.Type == "csv" {
		details["dir"] = source.Dir
	}
	what := map[string]any{"type": source.Type, "details": details, "period": int64(ind.Period)}
	add := func(name string, q *slo.Query) {
		if q != nil {
			what[name] = withoutSecrets(q.Spec)
		}
	}
	switch d := ind.Definition.(type) {
	case slo.Ratio:
		add("good", d.Good)
		add("bad", d.Bad)
		add("total", d.Total)
		what["counter"] = d.Counter
	case slo.RawRatio:
		add("raw", d.Raw)
		what["failure"] = d.Failure
	case slo.Threshold:
		add("value", d.Metric)
		what["op"], what["bound"] = int(d.Op), d.Bound.String()
	}
	return digestOf(what)
}

// withoutSecrets copies a spec without what only says who asks and how fast:
// credentials, rates, the lag, and the role except for the account it belongs to.
func withoutSecrets(in slo.Spec) slo.Spec {
	out := slo.Spec{}
	for key, v := range in {
		switch text, _ := v.(string); {
		case secretName(key), key == "profile", key == "externalId", key == "rate", key == "datapointRate", key == "lag":
		case key == "roleArn":
			if parts := strings.Split(text, ":"); len(parts) > 4 && out["accountId"] == nil && in["accountId"] == nil {
				out["accountId"] = parts[4]
			}
		default:
			out[key] = v
		}
	}
	return out
}

// digestOf digests plain data; it cannot fail on it.
func digestOf(v any) string {
	d, err := decision.Digest(v)
	if err != nil {
		return ""
	}
	return d
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
