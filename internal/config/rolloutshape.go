package config

import (
	"strings"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
	"gitlab.com/nines-sre/nines/internal/watch"
)

// climb is how documents spell rollout.UnsureClimb.
const climb = "climb"

func rolloutShape(s *openslo.Shapes) *openslo.Shape {
	step := openslo.Object("A share of the traffic, and how long it is left there.",
		openslo.Need("weight", shareShape("The canary's share, as 5%.")),
		openslo.Need("bake", lengthShape("The usable minutes that are judged before the next step.")),
		openslo.May("pause", openslo.Flag("Wait after the step until somebody says to go on.")))
	step.Name = "step"
	return openslo.Object("How a service is rolled out: where, in which steps, and by what it is judged and watched.",
		openslo.May("description", text("What it is for.")),
		openslo.Need("service", openslo.Text("The service.", openslo.NameFormat())),
		openslo.May("environment", openslo.Text("The environment; every one unless said.", filled())),
		openslo.Need("target", targetShape()),
		openslo.May("steps", openslo.ListOf("The steps, ascending. One of 5% for 10m unless said.", 1, step)),
		openslo.May("then", openslo.OneOf("What happens after the last step: promote unless said.", string(rollout.ThenPromote), string(rollout.ThenHold), string(rollout.ThenRestore))),
		openslo.May("unsure", openslo.OneOf("What happens when a step is over and nothing is known: climb (to the next step; after the last one, restore) unless said.",
			climb, string(rollout.UnsureRestore), string(rollout.UnsureExtend), string(rollout.UnsurePause), string(rollout.UnsureGo))),
		openslo.May("extend", lengthShape("How long unsure: extend waits at most, over all steps.")),
		openslo.May("early", openslo.Flag("A step may end before its time when the judge is sure that the canary is good.")),
		openslo.May("stall", lengthShape("How long measurements may stand still before the rollout gives up; 15m unless said.")),
		openslo.May("judge", judgeShape()),
		openslo.May("metrics", openslo.ListOf("What is compared; every ratio objective of the service unless said.", 1, rolloutMetricShape(s))),
		openslo.May("split", splitShape()),
		openslo.May("drive", openslo.Object("Requests that are made where there is no traffic.",
			openslo.Need("rate", openslo.Num("Requests a second, to each version.", openslo.PositiveFormat())),
			openslo.Need("requests", openslo.Text("A file of requests, one JSON object a line, beside the document.", filled())))),
		openslo.May("watch", watchShape()))
}

// targetShape is one of the kinds of targets, with the fields of its table.
func targetShape() *openslo.Shape {
	var fields []openslo.Field
	for _, kind := range act.KindNames() {
		var params []openslo.Field
		for _, p := range act.Kinds()[kind] {
			params = append(params, openslo.Field{Name: p.Name, Required: p.Need, Shape: openslo.Text(p.Doc, filled())})
		}
		fields = append(fields, openslo.May(kind, openslo.Object("A target of the kind "+kind+".", params...)))
	}
	out := openslo.Object("Where the traffic is moved.", fields...)
	out.Groups = []openslo.Group{{Fields: act.KindNames(), Required: true, Hint: "a target is of one kind: " + strings.Join(act.KindNames(), ", ")}}
	return out
}

func judgeShape() *openslo.Shape {
	kayenta := openslo.Object("Settings of the method mannwhitney, in Kayenta's words.",
		openslo.May("compatible", openslo.Flag("Judge as Kayenta does, its faults included.")),
		openslo.May("confidence", openslo.Num("0.98 unless said.", openslo.ShareFormat())),
		openslo.May("tolerance", openslo.Num("0.25 unless said.", openslo.PositiveFormat())),
		openslo.May("effect", openslo.OneOf("The measure of effects.", "meanRatio", "cles")),
		openslo.May("allowedIncrease", openslo.Num("The effect from which more is High.", openslo.PositiveFormat())),
		openslo.May("allowedDecrease", openslo.Num("The effect from which less is Low.", openslo.PositiveFormat())),
		openslo.May("criticalIncrease", openslo.Num("The effect from which a critical metric decides alone.", openslo.PositiveFormat())),
		openslo.May("criticalDecrease", openslo.Num("The same downwards.", openslo.PositiveFormat())),
		openslo.May("nanStrategy", openslo.OneOf("What becomes of minutes without a value.", "remove", "replace")),
		openslo.May("outliers", openslo.OneOf("What becomes of outliers.", "keep", "remove")),
		openslo.May("outlierFactor", openslo.Num("3 unless said.", openslo.PositiveFormat())),
		openslo.May("mustHaveData", openslo.Flag("A metric without data fails.")))
	weights := openslo.MapOf("Weights of groups of metrics, in percent.", openslo.Num("", percentUpTo()))
	out := openslo.Object("How the canary is judged.",
		openslo.May("method", openslo.OneOf("The method; eprocess unless said.", methodNames()...)),
		openslo.May("alpha", openslo.Num("The chance that a good canary fails; 0.05 unless said.", openslo.ShareFormat())),
		openslo.May("beta", openslo.Num("The chance that a bad one passes; 0.05 unless said.", openslo.ShareFormat())),
		openslo.May("margin", shareShape("How much worse the canary's share of bad requests may be, as 0.1%.")),
		openslo.May("ratio", openslo.Num("How many times the baseline's it may be, as 2.", openslo.PositiveFormat())),
		openslo.May("slack", shareShape("The margin of the test by which it passes; margin unless said.")),
		openslo.May("prior", shareShape("The share of bad requests that is expected beforehand; 0.1% unless said.")),
		openslo.May("threshold", shareShape("For the method threshold: the least share of good requests, as 99%.")),
		openslo.May("least", openslo.Num("How many requests each version must have before anything passes.", wholeFormat(0, 1_000_000_000))),
		openslo.May("weights", weights),
		openslo.May("pass", openslo.Num("The score from which it passes; 95 unless said.", percentUpTo())),
		openslo.May("marginal", openslo.Num("The score from which it does not fail; 75 unless said.", percentUpTo())),
		openslo.May("kayenta", kayenta))
	out.Groups = []openslo.Group{{Fields: []string{"margin", "ratio"}, Hint: "a margin is a difference or a ratio"}}
	return out
}

func methodNames() []string {
	var out []string
	for _, m := range judge.Methods() {
		out = append(out, string(m))
	}
	return out
}

func rolloutMetricShape(s *openslo.Shapes) *openslo.Shape {
	series := s.Metric()
	out := openslo.Object("One thing that is compared.",
		openslo.Need("name", openslo.Text("How it is called.", openslo.NameFormat())),
		openslo.May("objective", openslo.Text("The SLO whose counts are compared.", openslo.NameFormat())),
		openslo.May("good", series), openslo.May("bad", series), openslo.May("total", series),
		openslo.May("value", series),
		openslo.May("unit", text("The unit of value.")),
		openslo.May("worse", openslo.OneOf("Which way value gets worse; increase unless said.", "increase", string(judge.Decrease), string(judge.Either))),
		openslo.May("group", openslo.Text("The group whose weight it shares.", openslo.NameFormat())),
		openslo.May("weight", openslo.Num("Its own weight in percent.", percentUpTo())),
		openslo.May("critical", openslo.Flag("Where it fails, all fails.")),
		openslo.May("muted", openslo.Flag("Judged and shown, decides nothing.")),
		openslo.May("method", openslo.OneOf("How it is judged; as the others unless said.", methodNames()...)),
		openslo.May("margin", shareShape("How much worse it may be, as 0.1%.")),
		openslo.May("ratio", openslo.Num("How many times the baseline's it may be.", openslo.PositiveFormat())),
		openslo.May("threshold", shareShape("The least share of good requests, as 99%.")),
		openslo.May("limit", openslo.Num("The most that value may be; the least where it gets worse downwards.", nil)))
	out.Name = "rolloutMetric"
	out.Groups = []openslo.Group{
		{Fields: []string{"objective", "total", "value"}, Required: true, Hint: "a metric is an objective's counts, or good (or bad) and total, or value"},
		{Fields: []string{"good", "bad"}},
		{Fields: []string{"margin", "ratio"}, Hint: "a margin is a difference or a ratio"},
		{Fields: []string{"group", "weight"}, Hint: "a group's weight stands under judge.weights"},
	}
	return out
}

func splitShape() *openslo.Shape {
	return openslo.Object("How a query is narrowed to one version. Where nothing of this is said and the target knows no dimension, specs say ${version}.",
		openslo.May("dimension", openslo.Text("The dimension that carries the version; a Lambda alias has ExecutedVersion.", filled())),
		openslo.May("drop", openslo.ListOf("Dimensions that do not go together with it.", 1, openslo.Text("A dimension.", filled()))),
		openslo.May("add", openslo.MapOf("Dimensions that it needs besides.", openslo.Text("A value.", filled()))))
}

func watchShape() *openslo.Shape {
	limit := openslo.Text("200ms (the 99th percentile), 50errors (a minute), 0.5% (of requests that are bad).", &openslo.Format{
		Name: "limit", Pattern: `^[0-9]`, Check: func(s string) (string, string) {
			if _, err := watch.ParseLimit(s); err != nil {
				return err.Error(), "write 200ms, 50errors or 0.5%"
			}
			return "", ""
		},
	})
	return openslo.Object("How it is watched after the deployment.",
		openslo.May("duration", lengthShape("How long; 30m unless said.")),
		openslo.May("limits", openslo.ListOf("Plain limits.", 1, limit)),
		openslo.May("breaches", openslo.Num("How many minutes in a row have to be beyond a limit; 2 unless said.", wholeFormat(1, 1440))),
		openslo.May("alpha", openslo.Num("The chance that a deployment which changes nothing is taken for one that hurts; 0.01 unless said.", openslo.ShareFormat())),
		openslo.May("margin", shareShape("How much worse the share of bad requests may be than before; 0.1% unless said.")),
		openslo.May("weeks", openslo.Num("How many earlier weeks the same hours are taken from; 3 unless said.", wholeFormat(1, 52))),
		openslo.May("alarms", openslo.ListOf("CloudWatch alarms that must not go off.", 1, openslo.Text("An alarm's name.", filled()))),
		openslo.May("burn", openslo.Flag("An alert of the service that fires, and did not before, fails it.")),
		openslo.May("rollback", openslo.OneOf("What happens when it hurts: never (it is said and left) unless said, or auto.", "never", string(watch.UndoAuto))))
}

// shareShape is a share written in percent, above 0 and up to 100.
func shareShape(doc string) *openslo.Shape {
	return openslo.Text(doc, &openslo.Format{Name: "share", Pattern: `^[0-9]+(\.[0-9]+)?\s*%$`, Check: func(s string) (string, string) {
		if _, ok := parseShare(s); !ok {
			return quoted(s) + " is no share", "write one above 0 and up to 100 with a percent sign, as 5%"
		}
		return "", ""
	}})
}

// parseShare reads "5%" as 0.05.
func parseShare(s string) (float64, bool) {
	number, is := strings.CutSuffix(strings.TrimSpace(s), "%")
	d, err := slo.ParseDecimal(strings.TrimSpace(number))
	if !is || err != nil || d.Sign() <= 0 || d.Cmp(slo.MustDecimal("100")) > 0 {
		return 0, false
	}
	return d.Float() / 100, true
}

// percentUpTo is a number of percent, 0 to 100.
func percentUpTo() *openslo.Format {
	return &openslo.Format{Name: "percent", Limits: map[string]any{"minimum": 0, "maximum": 100}, Check: func(v string) (string, string) {
		d, err := slo.ParseDecimal(v)
		if err != nil || d.Sign() < 0 || d.Cmp(slo.MustDecimal("100")) > 0 {
			return "must be a number from 0 to 100, not " + quoted(v), ""
		}
		return "", ""
	}}
}

// texts are the entries of a map of texts; nil for none.
func texts(n *openslo.Node) map[string]string {
	var out map[string]string
	for k, v := range n.Entries() {
		if out == nil {
			out = map[string]string{}
		}
		out[k] = v.Str()
	}
	return out
}
