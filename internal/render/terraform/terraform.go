// Package terraform writes stacks of alarms as configurations of Terraform (or
// OpenTofu) in its JSON syntax, for the provider hashicorp/aws. The same stack
// gives the same bytes.
package terraform

import (
	"encoding/json"
	"fmt"
	"strings"

	"gitlab.com/nines-sre/nines/internal/render/alarms"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// object is a JSON object; encoding/json writes its fields in order of names.
type object map[string]any

// Configuration writes a stack as one file, main.tf.json of a module of its own.
// The error is that of a dashboard that cannot be written.
func Configuration(s *alarms.Stack) ([]byte, error) {
	refs := map[string]string{} // of alarms, by name
	single, compound, topics := object{}, object{}, object{}
	for i := range s.Alarms {
		id := identifier(s.Alarms[i].Name)
		refs[s.Alarms[i].Name] = "${aws_cloudwatch_metric_alarm." + id + ".alarm_name}"
		single[id] = alarm(&s.Alarms[i])
	}
	for i := range s.Composites {
		refs[s.Composites[i].Name] = "${aws_cloudwatch_composite_alarm." + identifier(s.Composites[i].Name) + ".alarm_name}"
	}
	variables, locals := object{}, object{}
	for i := range s.Composites {
		c := &s.Composites[i]
		compound[identifier(c.Name)] = composite(c, refs)
		topic(c.Severity, variables, locals, topics)
	}
	boards := object{}
	for i := range s.Dashboards {
		body, err := s.Dashboards[i].Body(region)
		if err != nil {
			return nil, fmt.Errorf("write dashboard %s: %w", s.Dashboards[i].Name, err)
		}
		body = strings.ReplaceAll(literal(body), `\u0000region\u0000`, "${data.aws_region.current.name}")
		boards[identifier(s.Dashboards[i].Name)] = object{"dashboard_name": s.Dashboards[i].Name, "dashboard_body": body}
	}
	resources := object{"aws_cloudwatch_dashboard": boards}
	for kind, all := range map[string]object{
		"aws_cloudwatch_metric_alarm": single, "aws_cloudwatch_composite_alarm": compound, "aws_sns_topic": topics,
	} {
		if len(all) > 0 {
			resources[kind] = all
		}
	}
	out := object{
		"//":        comments(s),
		"terraform": object{"required_providers": object{"aws": object{"source": "hashicorp/aws", "version": ">= 5.0"}}},
		"data":      object{"aws_region": object{"current": object{}}},
		"resource":  resources,
	}
	if len(variables) > 0 {
		out["variable"], out["locals"] = variables, locals
	}
	return alarms.Encode("a configuration", out)
}

// region stands in a dashboard's body for the one of the provider.
const region = "\x00region\x00"

// comments say where a stack belongs and what it cannot do.
func comments(s *alarms.Stack) []string {
	out := []string{"Alarms of error budgets and their dashboard, written by nines render terraform."}
	if s.Region != "" || s.Account != "" {
		out = append(out, strings.TrimSpace("For a provider in "+strings.TrimSpace(s.Region+" "+s.Account))+".")
	}
	out = append(out, alarms.Differences()...)
	for _, n := range s.Notes {
		out = append(out, n.String())
	}
	return out
}

// identifier is a name that may begin with a digit elsewhere, but not here.
func identifier(name string) string { return "n_" + alarms.Token(name, "_") }

// literal keeps Terraform from reading a text as a template.
func literal(s string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(s)
}

func alarm(a *alarms.Alarm) object {
	queries := []object{}
	seconds := int64(a.Period) * 60
	for _, q := range a.Queries {
		one := object{"id": q.ID, "return_data": q.Return}
		if q.Label != "" {
			one["label"] = literal(q.Label)
		}
		if q.Account != "" {
			one["account_id"] = q.Account
		}
		if q.Metric == nil {
			one["expression"] = literal(q.Expression)
			if q.SQL {
				one["period"] = seconds
			}
		} else {
			one["metric"] = metric(q.Metric, seconds)
		}
		queries = append(queries, one)
	}
	return object{
		"alarm_name": literal(a.Name), "alarm_description": literal(a.Description), "metric_query": queries,
		"comparison_operator": a.Operator, "threshold": json.Number(a.Threshold),
		"evaluation_periods": a.Periods, "datapoints_to_alarm": a.Datapoints,
		"treat_missing_data": "ignore", "actions_enabled": false,
	}
}

func metric(m *alarms.Metric, seconds int64) object {
	out := object{"namespace": literal(m.Namespace), "metric_name": literal(m.Name), "period": seconds, "stat": literal(m.Stat)}
	if m.Unit != "" {
		out["unit"] = m.Unit
	}
	if len(m.Dimensions) > 0 {
		dims := object{}
		for _, d := range m.Dimensions {
			dims[d.Name] = literal(d.Value)
		}
		out["dimensions"] = dims
	}
	return out
}

func composite(c *alarms.Composite, refs map[string]string) object {
	action := []string{"${local." + c.Severity.String() + "_topic_arn}"}
	out := object{
		"alarm_name": literal(c.Name), "alarm_description": literal(c.Description),
		"alarm_rule":    c.Rule(func(alarm string) string { return refs[alarm] }),
		"alarm_actions": action,
	}
	if c.Resolved {
		out["ok_actions"] = action
	}
	return out
}

// topic adds the topic of a severity: a variable for one that is there, and one
// that is made otherwise.
func topic(s slo.Severity, variables, locals, topics object) {
	word := s.String()
	variables[word+"_topic_arn"] = object{
		"type": "string", "default": "", "description": "ARN of the SNS topic that gets a " + word + "; empty: one is made",
	}
	locals[word+"_topic_arn"] = `${var.` + word + `_topic_arn != "" ? var.` + word + `_topic_arn : one(aws_sns_topic.` + word + `[*].arn)}`
	topics[word] = object{"count": `${var.` + word + `_topic_arn == "" ? 1 : 0}`, "name_prefix": "nines-" + word + "-"}
}
