package config

import (
	"fmt"
	"math"
	"strconv"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// CheckCloudWatchDetails finds what is wrong with the connectionDetails of a
// CloudWatch data source: region or regions, accountId, roleArn, externalId and
// period, which hold where a query says nothing, and rate, datapointRate and lag.
// It is the CheckDetails of the metric.Type "CloudWatch". Credentials have a
// warning of their own.
func CheckCloudWatchDetails(details slo.Spec) []metric.SpecProblem {
	c := &cwCheck{}
	rest := slo.Spec{}
	for key, v := range details {
		if !secretName(key) {
			rest[key] = v
		}
	}
	c.known("", rest, "a CloudWatch data source", "region", "regions", "accountId", "roleArn", "externalId", "period", "rate", "datapointRate", "lag")
	c.where(details)
	for _, name := range []string{"rate", "datapointRate"} {
		c.rate(name, details[name])
	}
	c.lag(details["lag"])
	return c.problems
}

// where checks the fields that say whom to ask.
func (c *cwCheck) where(spec slo.Spec) {
	c.matches("region", spec["region"], regionForm, [2]string{"a region", "as in eu-west-1"})
	c.matches("accountId", spec["accountId"], accountForm, [2]string{"an account", `twelve digits in quotes, as in "123456789012"`})
	c.matches("roleArn", spec["roleArn"], roleForm, [2]string{"the ARN of a role", "as in arn:aws:iam::123456789012:role/nines"})
	c.matches("externalId", spec["externalId"], externalForm, [2]string{"an external ID", "letters, digits and + = , . @ : / - _"})
	switch regions := spec["regions"].(type) {
	case nil:
	case []any:
		if len(regions) == 0 {
			c.say("regions", "regions is empty", "leave it out, or write regions: [eu-west-1, us-east-1]")
		}
		for i, r := range regions {
			c.matches(fmt.Sprintf("regions[%d]", i), r, regionForm, [2]string{"a region", "as in eu-west-1"})
		}
	default:
		c.say("regions", "regions must be a list", "write regions: [eu-west-1, us-east-1], or region: eu-west-1")
	}
	c.period(spec["period"])
}

// rate wants a positive number a second.
func (c *cwCheck) rate(name string, v any) {
	if v == nil {
		return
	}
	s, _ := v.(string)
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || f <= 0 {
		hint := map[string]string{"rate": "requests a second, such as 40", "datapointRate": "datapoints a second, such as 300000"}[name]
		c.say(name, fmt.Sprintf("%s is not a rate", printed(v)), hint)
	}
}

// lag wants whole minutes, from one to the fifteen after which minutes are final.
func (c *cwCheck) lag(v any) {
	if v == nil {
		return
	}
	s, _ := v.(string)
	if m, err := slo.ParseLength(s); err != nil || m < 1 || m > 15 {
		c.say("lag", fmt.Sprintf("%s is not a lag", printed(v)), "how long after its end a minute is published, from 1m to 15m; 3m unless said")
	}
}
