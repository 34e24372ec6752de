// Package cfn writes stacks of alarms as templates of CloudFormation. They are
// JSON, and the same stack gives the same bytes.
package cfn

import (
	"encoding/json"
	"fmt"
	"strings"

	"gitlab.com/nines-sre/nines/internal/render/alarms"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// MaxBody is how many bytes CloudFormation takes as a template in S3. (As a
// request's text it takes 51,200.)
const MaxBody = 1 << 20

// object is a JSON object; encoding/json writes its fields in order of names.
type object map[string]any

// Template writes a stack. The error is that of a dashboard that cannot be written.
func Template(s *alarms.Stack) ([]byte, error) {
	resources := object{}
	ids := map[string]string{} // of alarms, by name
	for i := range s.Alarms {
		ids[s.Alarms[i].Name] = alarms.Token(s.Alarms[i].Name, "")
	}
	for i := range s.Composites {
		ids[s.Composites[i].Name] = alarms.Token(s.Composites[i].Name, "")
	}
	for i := range s.Alarms {
		resources[ids[s.Alarms[i].Name]] = alarm(&s.Alarms[i])
	}
	told := map[slo.Severity]bool{slo.Page: false, slo.Ticket: false}
	for i := range s.Composites {
		told[s.Composites[i].Severity] = true
		resources[ids[s.Composites[i].Name]] = composite(&s.Composites[i], ids)
	}
	parameters, conditions := object{}, object{}
	for _, severity := range []slo.Severity{slo.Page, slo.Ticket} {
		if told[severity] {
			topic(severity, parameters, conditions, resources)
		}
	}
	for i := range s.Dashboards {
		body, err := dashboard(&s.Dashboards[i])
		if err != nil {
			return nil, err
		}
		resources[alarms.Token(s.Dashboards[i].Name, "")] = body
	}
	out := object{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Description":              "Alarms of error budgets and their dashboard, written by nines render cloudformation" + where(s),
		"Metadata":                 object{"Nines": object{"Differences": alarms.Differences(), "Notes": lines(s.Notes)}},
		"Resources":                resources,
	}
	if len(parameters) > 0 {
		out["Parameters"], out["Conditions"] = parameters, conditions
	}
	return alarms.Encode("a template", out)
}

// where says where a stack must be deployed.
func where(s *alarms.Stack) string {
	out := ""
	if s.Region != "" {
		out += " - for " + s.Region
	}
	if s.Account != "" {
		out += " of account " + s.Account
	}
	return out
}

func lines(notes []alarms.Note) []string {
	out := []string{}
	for _, n := range notes {
		out = append(out, n.String())
	}
	return out
}

// alarm writes one alarm. It tells nobody: its composite does.
func alarm(a *alarms.Alarm) object {
	return object{"Type": "AWS::CloudWatch::Alarm", "Properties": object{
		"AlarmName": a.Name, "AlarmDescription": a.Description,
		"Metrics":            queries(a),
		"ComparisonOperator": a.Operator, "Threshold": json.Number(a.Threshold),
		"EvaluationPeriods": a.Periods, "DatapointsToAlarm": a.Datapoints,
		"TreatMissingData": "ignore", "ActionsEnabled": false,
	}}
}

func queries(a *alarms.Alarm) []object {
	out := []object{}
	seconds := int64(a.Period) * 60
	for _, q := range a.Queries {
		one := object{"Id": q.ID, "ReturnData": q.Return}
		if q.Label != "" {
			one["Label"] = q.Label
		}
		if q.Account != "" {
			one["AccountId"] = q.Account
		}
		if q.Metric == nil {
			one["Expression"] = q.Expression
			if q.SQL {
				one["Period"] = seconds
			}
		} else {
			one["MetricStat"] = metricStat(q.Metric, seconds)
		}
		out = append(out, one)
	}
	return out
}

func metricStat(m *alarms.Metric, seconds int64) object {
	metric := object{"Namespace": m.Namespace, "MetricName": m.Name}
	if len(m.Dimensions) > 0 {
		dims := []object{}
		for _, d := range m.Dimensions {
			dims = append(dims, object{"Name": d.Name, "Value": d.Value})
		}
		metric["Dimensions"] = dims
	}
	stat := object{"Metric": metric, "Period": seconds, "Stat": m.Stat}
	if m.Unit != "" {
		stat["Unit"] = m.Unit
	}
	return stat
}

// composite writes the alarm that tells somebody. Its rule names the others by
// reference, so that they are made before it.
func composite(c *alarms.Composite, ids map[string]string) object {
	action := []any{topicRef(c.Severity)}
	props := object{
		"AlarmName": c.Name, "AlarmDescription": c.Description,
		"AlarmRule":    object{"Fn::Sub": c.Rule(func(alarm string) string { return "${" + ids[alarm] + "}" })},
		"AlarmActions": action,
	}
	if c.Resolved {
		props["OKActions"] = action
	}
	return object{"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": props}
}

// title is "Page" or "Ticket".
func title(s slo.Severity) string {
	word := s.String()
	return strings.ToUpper(word[:1]) + word[1:]
}

func topicRef(s slo.Severity) object {
	name := title(s) + "Topic"
	return object{"Fn::If": []any{"Makes" + name, object{"Ref": name}, object{"Ref": name + "Arn"}}}
}

// topic adds the topic of a severity: a parameter for one that is there, and one
// that the stack makes otherwise.
func topic(s slo.Severity, parameters, conditions, resources object) {
	name := title(s) + "Topic"
	parameters[name+"Arn"] = object{
		"Type": "String", "Default": "",
		"AllowedPattern": "^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:.+)?$",
		"Description":    "ARN of the SNS topic that gets a " + s.String() + "; empty - the stack makes one",
	}
	conditions["Makes"+name] = object{"Fn::Equals": []any{object{"Ref": name + "Arn"}, ""}}
	resources[name] = object{
		"Type": "AWS::SNS::Topic", "Condition": "Makes" + name,
		"Properties": object{"DisplayName": "Nines " + s.String()},
	}
}

// dashboard writes a dashboard whose graphs are of the stack's region.
func dashboard(d *alarms.Dashboard) (object, error) {
	const region = "\x00region\x00"
	body, err := d.Body(region)
	if err != nil {
		return nil, fmt.Errorf("write dashboard %s: %w", d.Name, err)
	}
	body = strings.ReplaceAll(body, "${", "${!")
	body = strings.ReplaceAll(body, `\u0000region\u0000`, "${AWS::Region}")
	return object{"Type": "AWS::CloudWatch::Dashboard", "Properties": object{
		"DashboardName": d.Name, "DashboardBody": object{"Fn::Sub": body},
	}}, nil
}
