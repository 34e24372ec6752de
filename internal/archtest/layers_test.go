package archtest

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// layer is one line of the table: packages that may import what stands before
// them, in earlier lines and, inside the line, to their left.
type layer struct {
	name     string
	patterns []string
	// together lets packages that match the same pattern import each other:
	// shells that build on shells, parts of one host.
	together bool
}

// layers is the direction of the house, lowest first.
var layers = []layer{
	{name: "words", patterns: []string{
		"internal/fault", "internal/decision", "internal/slo", "internal/metric",
		"internal/timeline", "internal/ledger", "internal/event", "internal/act", "internal/check",
		"internal/forge", "internal/notify",
		"internal/publish",
	}},
	{name: "deciders", patterns: []string{
		"internal/evidence", "internal/gate",
		"internal/judge/confseq", "internal/judge/eprocess", "internal/judge/mannwhitney", "internal/judge/threshold", "internal/judge",
		"internal/rollout", "internal/watch", "internal/delivery", "internal/scale",
		"internal/runbook", "internal/runbook/*", "internal/automate", "internal/analyze", "internal/cost",
		"internal/alert", "internal/backtest",
	}},
	{name: "makers", patterns: []string{"internal/render", "internal/render/alarms", "internal/render/*", "internal/cost"}},
	{name: "codecs", patterns: []string{"internal/slo/openslo", "internal/event/*", "internal/config", "internal/discover"}},
	{name: "support", patterns: []string{
		"internal/awskit", "internal/faulty", "internal/sqlitedb", "internal/dynamo", "internal/dynamodbd", "internal/dynamodbd/*",
		"internal/cloudwatchd/*", "internal/cloudwatchd",
		"internal/oidc", "internal/gitlabapi", "internal/gitlabd",
		"internal/gitkit", "internal/webpost", "internal/lambdad", "internal/deployd", "internal/deployd/*",
	}, together: true},
	{name: "suites", patterns: []string{
		"internal/metric/metrictest", "internal/timeline/timelinetest", "internal/ledger/ledgertest",
		"internal/act/acttest", "internal/judge/judgetest", "internal/check/checktest", "internal/config/configtest",
		"internal/publish/publishtest", "internal/backtest/synthetic",
		"internal/testkit/moto", "internal/testkit/*",
		"internal/forge/forgetest", "internal/notify/notifytest",
	}},
	{name: "adapters", patterns: []string{
		"internal/metric/*", "internal/timeline/*", "internal/ledger/*",
		"internal/act/*", "internal/check/*", "internal/config/*",
		"internal/forge/*", "internal/notify/*", "internal/publish/*",
	}},
	{name: "shells", patterns: []string{"internal/loop", "internal/run", "internal/run/*", "internal/script"}, together: true},
	{name: "hosts", patterns: []string{
		"internal/cli/host", "internal/cli/report", "internal/cli/*", "internal/cli", "internal/daemon", "internal/lambdahost", "internal/web",
	}},
	{name: "wire", patterns: []string{wire}},
	{name: "main", patterns: []string{"cmd/*", "examples/*/*", "tools/*"}},
	{name: "whole", patterns: []string{"internal/e2e", "doc", "internal/archtest"}},
}

// ports maps a port's folder to its conformance suite.
var ports = map[string]string{
	"internal/metric":   "internal/metric/metrictest",
	"internal/timeline": "internal/timeline/timelinetest",
	"internal/ledger":   "internal/ledger/ledgertest",
	"internal/act":      "internal/act/acttest",
	"internal/check":    "internal/check/checktest",
	"internal/config":   "internal/config/configtest",
	"internal/forge":    "internal/forge/forgetest",
	"internal/notify":   "internal/notify/notifytest",
	"internal/publish":  "internal/publish/publishtest",
}

// wire is the one package that may name an adapter.
const wire = "internal/wire"

// telemetry is reserved for the module of its own: it imports nothing of ours,
// and only what stands above the codecs may use it.
const telemetry = "telemetry"

// rank is a folder's place in the table: its line, and its pattern inside it.
type rank struct{ line, column int }

func rankOf(dir string) (rank, bool) {
	for i, l := range layers {
		// A suite's folder matches its adapters' pattern too; its own name wins
		// because that line stands first.
		for j, pat := range l.patterns {
			if ok, _ := path.Match(pat, dir); ok {
				return rank{i, j}, true
			}
		}
	}
	return rank{}, false
}

// below says whether a package of rank r may be imported by one of rank o.
func (r rank) below(o rank) bool {
	if r.line != o.line {
		return r.line < o.line
	}
	return r.column < o.column || r.column == o.column && layers[r.line].together
}

// layering finds imports against the direction, and folders in no layer.
func layering(t *tree) (breaches []string) {
	for _, dir := range t.sorted() {
		from, ok := rankOf(dir)
		if !ok {
			breaches = append(breaches, dir+" is in no layer; add it to the table in internal/archtest")
			continue
		}
		for _, imported := range t.dirs[dir].imports(false) {
			to, ours := t.ours(imported)
			if !ours {
				continue
			}
			if within(to, telemetry) {
				if layers[from.line].name == "words" || from.line < layerNamed("support") {
					breaches = append(breaches, dir+" imports telemetry; pure layers return what happened, they do not report it")
				}
				continue
			}
			if r, ok := rankOf(to); ok && !r.below(from) {
				breaches = append(breaches, fmt.Sprintf("%s (%s) imports %s (%s), which does not stand below it",
					dir, layers[from.line].name, to, layers[r.line].name))
			}
		}
	}
	return breaches
}

func layerNamed(name string) int {
	return slices.IndexFunc(layers, func(l layer) bool { return l.name == name })
}

// within says whether dir is root or lies below it.
func within(dir, root string) bool { return dir == root || strings.HasPrefix(dir, root+"/") }

// adapter says whether a folder is an adapter, and of which port.
func adapter(dir string) (port string, ok bool) {
	port = path.Dir(dir)
	suite, isPort := ports[port]
	return port, isPort && dir != suite
}

// naming finds packages other than wire that name an adapter. (One adapter
// naming another is a breach of layering already; this one is for hosts.)
func naming(t *tree) (breaches []string) {
	for _, dir := range t.sorted() {
		for _, imported := range t.dirs[dir].imports(false) {
			to, ours := t.ours(imported)
			if _, is := adapter(to); ours && is && dir != wire {
				breaches = append(breaches, fmt.Sprintf("%s names the adapter %s; only %s may", dir, to, wire))
			}
		}
	}
	return breaches
}

// suites finds adapters none of whose tests runs the suite of their port.
func suites(t *tree) (breaches []string) {
	for _, dir := range t.sorted() {
		port, is := adapter(dir)
		if !is || len(t.dirs[dir].code()) == 0 {
			continue
		}
		if !slices.Contains(t.dirs[dir].imports(true), t.module+"/"+ports[port]) {
			breaches = append(breaches, fmt.Sprintf("%s is an adapter, but none of its tests imports %s", dir, ports[port]))
		}
	}
	return breaches
}
