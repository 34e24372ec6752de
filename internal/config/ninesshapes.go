package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// ninesShapes is the table of our own kinds.
type ninesShapes struct {
	kinds map[string]*openslo.Shape
}

// ninesKinds are the kinds of nines/v1.
func ninesKinds() []string {
	return []string{"Exclusion", "GatePolicy", "Rollout", "Service", "Settings", "Tier"}
}

func newNinesShapes(s *openslo.Shapes) *ninesShapes {
	out := &ninesShapes{kinds: map[string]*openslo.Shape{}}
	for kind, spec := range map[string]*openslo.Shape{
		"Service": serviceShape(s), "GatePolicy": gateShape(), "Exclusion": exclusionShape(), "Settings": settingsShape(),
		"Tier": tierShape(s), "Rollout": rolloutShape(s),
	} {
		doc := s.Document(version, kind, spec)
		doc.Name = "nines" + kind
		for i := range doc.Fields {
			if doc.Fields[i].Name == "spec" {
				doc.Fields[i].Required = true
			}
		}
		out.kinds[kind] = doc
	}
	return out
}

// zoneShape, timeShape and so on are the fields that several kinds have.
func zoneShape() *openslo.Shape {
	return openslo.Text("An IANA time zone; UTC unless said.", openslo.ZoneFormat())
}

func lengthShape(doc string) *openslo.Shape { return openslo.Text(doc, openslo.LengthFormat()) }

func timeShape(doc string) *openslo.Shape {
	return openslo.Text(doc, &openslo.Format{
		Name: "time", Pattern: `^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?)?$`,
		Check: func(s string) (string, string) {
			if _, err := parseTime(s, time.UTC); err != nil {
				return "is " + err.Error(), ""
			}
			return "", ""
		},
	})
}

func cronShape() *openslo.Shape {
	return openslo.Text("Five fields: minute, hour, day of month, month, day of week.", &openslo.Format{
		Name: "cron", Pattern: `^(@[a-z]+|\S+(\s+\S+){4})$`,
		Check: func(s string) (string, string) {
			const hint = `five fields, as in "0 16 * * FRI" for Fridays at four`
			if strings.HasPrefix(s, "@every") || strings.Contains(s, "TZ=") {
				return quoted(s) + " has no fixed times; the zone has a field of its own", hint
			}
			if _, err := cron.ParseStandard(s); err != nil {
				return fmt.Sprintf("%s is not a cron expression: %v", quoted(s), err), hint
			}
			return "", ""
		},
	})
}

// refShape is "service" or "service/slo".
func refShape(doc string, star bool) *openslo.Shape {
	pattern := `^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(/[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$`
	if star {
		pattern += `|^\*$`
	}
	return openslo.Text(doc, &openslo.Format{Name: "reference", Pattern: pattern, Check: func(s string) (string, string) {
		if star && s == "*" {
			return "", ""
		}
		if why := refCheck(s); why != "" {
			return why, "write a service, or service/slo"
		}
		return "", ""
	}})
}

func text(doc string) *openslo.Shape { return openslo.Text(doc, nil) }

func gateShape() *openslo.Shape {
	classes := openslo.OneOf("A class of change.", classNames()...)
	freeze := openslo.Object("A stretch in which nothing ships.",
		openslo.Need("name", text("How it is called.")), openslo.May("reason", text("Why.")),
		openslo.May("cron", cronShape()), openslo.May("duration", lengthShape("How long it lasts from each time of cron.")),
		openslo.May("zone", zoneShape()),
		openslo.May("holidays", openslo.ListOf("Whole days, 2026-12-24, or 12-24 for every year.", 1, dayShape())),
		openslo.May("from", timeShape("The beginning of a freeze that happens once.")), openslo.May("to", timeShape("Its end.")),
		openslo.May("exempt", openslo.ListOf("Classes of change that may ship all the same; rollback always may.", 1, classes)))
	freeze.Name = "freeze"
	freeze.Groups = []openslo.Group{{Fields: []string{"cron", "holidays", "from"}, Required: true, Hint: "a freeze is cron with duration, or holidays, or from and to"}}
	verdicts := openslo.MapOf("Other verdicts for rows of the table, as in caution: pass or fix:exhausted: fail.", openslo.OneOf("The verdict.", verdictNames()...))
	verdicts.Key = &openslo.Format{Name: "row", Pattern: rowPattern(), Check: checkRow}
	return openslo.Object("What the deploy gate does with the evidence.",
		openslo.May("description", text("What it is for.")),
		openslo.May("services", openslo.ListOf(`The services it is for; "*" is every service without a policy of its own. Needed unless a Tier names the policy.`, 1, serviceName())),
		openslo.May("mode", openslo.OneOf("enforce, or advise: say the verdict and let everything pass.", string(gate.ModeEnforce), string(gate.ModeAdvise))),
		openslo.May("onError", openslo.OneOf("What happens when the evidence cannot be had.", string(gate.OnErrorBlock), string(gate.OnErrorWarn))),
		openslo.May("verdicts", verdicts),
		openslo.May("objectives", openslo.ListOf("The SLOs that count; all unless said.", 1, openslo.Text("An SLO's name.", openslo.NameFormat()))),
		openslo.May("dependsOn", openslo.ListOf("Services, or service/slo, whose budgets count too.", 1, refShape("", false))),
		openslo.May("dependencyVerdict", openslo.OneOf("The most that a dependency's budget can do; warn unless said.", verdictNames()[:3]...)),
		openslo.May("evidence", lengthShape("How rarely an objective that is kept shows as much evidence against itself as a burning budget needs to hold a change, as 5w; below that it warns.")),
		openslo.May("freezes", openslo.ListOf("When nothing ships.", 0, freeze)),
		openslo.May("override", overrideShape()), openslo.May("identity", identityShape()),
		openslo.May("classes", classesShape()), openslo.May("notify", notifyShape()))
}

func serviceName() *openslo.Shape {
	return openslo.Text("A service's name.", &openslo.Format{Name: "name", Pattern: openslo.NameFormat().Pattern + `|^\*$`, Check: func(s string) (string, string) {
		if s == "*" {
			return "", ""
		}
		return openslo.NameFormat().Check(s)
	}})
}

func classNames() []string {
	return []string{string(gate.ClassChange), string(gate.ClassFix), string(gate.ClassSecurity), string(gate.ClassRollback)}
}

func verdictNames() []string {
	return []string{decision.Pass.String(), decision.Warn.String(), decision.Fail.String(), decision.Inconclusive.String()}
}

// mappable are the rows whose verdict a policy may change. Rolling back is
// never gated, and an override is what it is.
func mappable() []string {
	return []string{
		string(gate.RowFreeze), string(gate.RowExhausted), string(gate.RowCritical), string(gate.RowFastBurn), string(gate.RowStale),
		string(gate.RowSilent), string(gate.RowNoTraffic), string(gate.RowInsufficientData), string(gate.RowUnknown), string(gate.RowNew),
		string(gate.RowCaution), string(gate.RowSlowBurn), string(gate.RowHealthy),
	}
}

func rowPattern() string {
	return `^((` + strings.Join(classNames()[:3], "|") + `):)?(` + strings.Join(mappable(), "|") + `)$`
}

// checkRow checks a key of verdicts: a row, or class:row.
func checkRow(key string) (string, string) {
	class, row, has := strings.Cut(key, ":")
	if !has {
		class, row = string(gate.ClassChange), key
	}
	switch {
	case class == string(gate.ClassRollback) || row == string(gate.RowRollback):
		return "cannot be changed: rolling back is never gated", ""
	case row == string(gate.RowOverride):
		return "cannot be changed: an override is limited under override", ""
	case !slices.Contains(classNames(), class):
		return "names no class of change", openslo.DidYouMean(class, classNames()[:3])
	case !slices.Contains(mappable(), row):
		return "names no row of the verdict table", openslo.DidYouMean(row, mappable())
	}
	return "", ""
}

func dayShape() *openslo.Shape {
	return openslo.Text("A day.", &openslo.Format{Name: "day", Pattern: `^(\d{4}-)?\d{2}-\d{2}$`, Check: func(s string) (string, string) {
		_, long := time.Parse(time.DateOnly, s)
		_, short := time.Parse("2006-01-02", "2024-"+s) // a leap year: 02-29 is a day
		if long != nil && short != nil {
			return quoted(s) + " is not a day", "write 2026-12-24, or 12-24 for every year, in quotes"
		}
		return "", ""
	}})
}

func exclusionShape() *openslo.Shape {
	s := openslo.Object("A stretch that does not count.",
		openslo.Need("services", openslo.ListOf(`Services, service/slo, or "*".`, 1, refShape("", true))),
		openslo.Need("reason", openslo.Text("Why it does not count.", filled())),
		openslo.May("author", text("Who says so.")),
		openslo.May("from", timeShape("The beginning.")), openslo.May("to", timeShape("The end.")),
		openslo.May("cron", cronShape()), openslo.May("duration", lengthShape("How long it lasts from each time of cron.")),
		openslo.May("zone", zoneShape()))
	s.Groups = []openslo.Group{{Fields: []string{"cron", "from"}, Required: true, Hint: "an exclusion is from and to, or cron with duration"}}
	return s
}

func filled() *openslo.Format {
	return &openslo.Format{Name: "text", Pattern: `\S`, Check: func(s string) (string, string) {
		if strings.TrimSpace(s) == "" {
			return "must not be empty", ""
		}
		return "", ""
	}}
}

func settingsShape() *openslo.Shape {
	return openslo.Object("Defaults of the commands.",
		openslo.May("store", openslo.Text("Where history is kept: sqlite:PATH, dynamodb:TABLE?region=R, none.", filled())),
		openslo.May("zone", openslo.Text("The time zone of what is shown.", openslo.ZoneFormat())),
		openslo.May("width", openslo.Num("The width of tables, in letters.", wholeFormat(40, 1000))),
		openslo.May("explain", openslo.Flag("Explain the numbers under the tables.")),
		openslo.May("unmapped", openslo.OneOf("What gate --changed-since takes a path for that belongs to no service: one that may change all of them (unless said otherwise), or none.", unmappedAll, unmappedIgnore)),
		openslo.May("publish", publishShape()),
		openslo.May("alerts", alertsShape()))
}

// publishShape is where numbers go after measuring. The names of its metrics are
// those of run/publish.
func publishShape() *openslo.Shape {
	name := openslo.Text("BudgetRemaining, SLI, Coverage, or BurnRate with a look-back: BurnRate1h.", &openslo.Format{
		Name: "metric", Pattern: `^(BudgetRemaining|SLI|Coverage|BurnRate[0-9]+[mhdw])$`,
		Check: func(s string) (string, string) {
			if s == "BudgetRemaining" || s == "SLI" || s == "Coverage" {
				return "", ""
			}
			if length, is := strings.CutPrefix(s, "BurnRate"); is {
				if m, err := slo.ParseLength(length); err == nil && slo.FormatLength(m) == length {
					return "", ""
				}
			}
			return quoted(s) + " is no metric that is published", "write BudgetRemaining, SLI, Coverage, or BurnRate with a look-back, as BurnRate1h"
		},
	})
	return openslo.Object("Where measuring on Lambda, and nines measure --publish, send numbers. Each metric of each objective is billed as a custom metric.",
		openslo.Need("to", openslo.OneOf("The kind of place.", "cloudwatch")),
		openslo.May("namespace", openslo.Text("CloudWatch's namespace; Nines unless said.", namespaceFormat())),
		openslo.May("region", openslo.Text("The region; the program's own unless said. On Lambda it is always its own.", filled())),
		openslo.May("metrics", openslo.ListOf("What is sent; BudgetRemaining and BurnRate1h unless said.", 1, name)))
}

// namespaceFormat is what CloudWatch takes for custom metrics. (API reference,
// PutMetricData.)
func namespaceFormat() *openslo.Format {
	allowed := regexp.MustCompile(namespacePattern)
	return &openslo.Format{Name: "namespace", Pattern: namespacePattern, Check: func(s string) (string, string) {
		if !allowed.MatchString(s) {
			return quoted(s) + " is no namespace of CloudWatch", "use letters, digits and . - _ / #"
		}
		if strings.HasPrefix(s, "AWS/") {
			return quoted(s) + " belongs to AWS", "take a namespace of your own"
		}
		return "", ""
	}}
}

const namespacePattern = `^[0-9A-Za-z._/#-][0-9A-Za-z._/# -]{0,254}$`

// wholeFormat is a whole number in a range.
func wholeFormat(least, most int) *openslo.Format {
	return &openslo.Format{Name: "number", Limits: map[string]any{"minimum": least, "maximum": most, "multipleOf": 1}, Check: func(s string) (string, string) {
		var n int
		if _, err := fmt.Sscanf(s, "%d", &n); err != nil || fmt.Sprint(n) != s || n < least || n > most {
			return fmt.Sprintf("must be a whole number from %d to %d, not %s", least, most, quoted(s)), ""
		}
		return "", ""
	}}
}
