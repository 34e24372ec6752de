package config

// Preset knows how a service of AWS, or a file, says that requests went well:
// its metrics, their units, and what they do not see. Adding one is adding a
// row to [Presets].
type Preset struct {
	// Key is the word under from; its value goes to KeyParam's dimension.
	Key string
	Doc string
	// Dimension is where the key's value goes.
	Dimension string
	Params    []PresetParam
	Namespace string
	// Region is where the metrics are if not in the source's region.
	Region string
	// Fixed are dimensions that always have the same value.
	Fixed map[string]string
	// Available and Latency are the two objectives of the short form. One that
	// cannot be measured has only Refused: why, and what to do instead.
	Available, Latency Measure
	// BlindSpots is what the metrics do not see, for the description.
	BlindSpots string
}

// PresetParam is a further word under from.
type PresetParam struct {
	Name      string
	Dimension string
	Required  bool
	Doc       string
}

// Measure is how an objective is measured: good or bad against total, or one
// value against the bound.
type Measure struct {
	Good, Bad, Total, Value *PresetQuery
	// Unit is the unit of the bound: "s" or "ms".
	Unit string
	// BlindSpots is what this measure does not see.
	BlindSpots string
	Refused    string
}

// PresetQuery is one statistic ({bound} in Stat stands for the bound), or an
// expression over several.
type PresetQuery struct {
	Metric, Stat string
	Expression   string
	Queries      []PresetPart
	// Instead is asked when the named word stands under from.
	Instead map[string]*PresetQuery
}

// PresetPart is a named statistic of an expression.
type PresetPart struct{ ID, Metric, Stat string }

// one is a query of a single statistic.
func one(metric, stat string) *PresetQuery { return &PresetQuery{Metric: metric, Stat: stat} }

// within is "at most the bound", counted: the trimmed count of a latency
// metric against the count of its samples. The upper bound is taken as
// inclusive, as CloudWatch documents it for PR.
func within(metric, unit string) Measure {
	return Measure{Good: one(metric, "TC(:{bound})"), Total: one(metric, "SampleCount"), Unit: unit}
}

// Presets is the table of presets, by key.
func Presets() []Preset {
	return []Preset{
		albPreset(), apiGatewayPreset(), cloudFrontPreset(), csvPreset(), ecsPreset(), httpAPIPreset(), lambdaPreset(), sqsPreset(), syntheticsPreset(),
	}
}

func apiGatewayPreset() Preset {
	return Preset{
		Key: "apigateway", Dimension: "ApiName", Namespace: "AWS/ApiGateway",
		Doc:       "A REST API of API Gateway, by its name.",
		Params:    []PresetParam{{Name: "stage", Dimension: "Stage", Doc: "The stage; all of them unless said."}},
		Available: Measure{Bad: one("5XXError", "Sum"), Total: one("Count", "SampleCount")},
		Latency:   within("Latency", "ms"),
		BlindSpots: "Requests that do not reach the API (DNS, TLS, a web ACL in front) are not counted; throttled ones are, as 4XX, " +
			"and so as good.",
	}
}

func httpAPIPreset() Preset {
	return Preset{
		Key: "httpapi", Dimension: "ApiId", Namespace: "AWS/ApiGateway",
		Doc:        "An HTTP API of API Gateway, by its ID.",
		Params:     []PresetParam{{Name: "stage", Dimension: "Stage", Doc: "The stage; all of them unless said."}},
		Available:  Measure{Bad: one("5xx", "Sum"), Total: one("Count", "SampleCount")},
		Latency:    within("Latency", "ms"),
		BlindSpots: "Requests that do not reach the API are not counted; throttled ones are, as 4xx, and so as good.",
	}
}

func albPreset() Preset {
	parts := func(names ...PresetPart) []PresetPart { return names }
	elb := PresetPart{"elb", "HTTPCode_ELB_5XX_Count", "Sum"}
	return Preset{
		Key: "alb", Dimension: "LoadBalancer", Namespace: "AWS/ApplicationELB",
		Doc:    "An Application Load Balancer: the end of its ARN, app/name/id.",
		Params: []PresetParam{{Name: "targetGroup", Dimension: "TargetGroup", Doc: "The end of a target group's ARN, targetgroup/name/id."}},
		Available: Measure{
			// RequestCount leaves out what was rejected before a target was chosen;
			// those show only as the balancer's own 5xx, so they join both sides.
			// The balancer's own 5xx belong to no target group.
			Bad: &PresetQuery{
				Expression: "SUM([target, elb])", Queries: parts(PresetPart{"target", "HTTPCode_Target_5XX_Count", "Sum"}, elb),
				Instead: map[string]*PresetQuery{"targetGroup": one("HTTPCode_Target_5XX_Count", "Sum")},
			},
			Total: &PresetQuery{
				Expression: "SUM([requests, elb])", Queries: parts(PresetPart{"requests", "RequestCount", "Sum"}, elb),
				Instead: map[string]*PresetQuery{"targetGroup": one("RequestCount", "Sum")},
			},
			BlindSpots: "Requests rejected before a target is chosen are not in RequestCount; they show as the balancer's own 5xx, " +
				"which cannot be told apart by target group.",
		},
		Latency:    within("TargetResponseTime", "s"),
		BlindSpots: "Connections refused or dropped before a request is read leave no trace here. Response times end at the first byte of the response's headers.",
	}
}

func lambdaPreset() Preset {
	throttles := PresetPart{"throttles", "Throttles", "Sum"}
	return Preset{
		Key: "lambda", Dimension: "FunctionName", Namespace: "AWS/Lambda",
		Doc:    "A Lambda function, by its name.",
		Params: []PresetParam{{Name: "alias", Dimension: "Resource", Doc: "function:alias, where only one alias counts."}},
		Available: Measure{
			// A throttled invocation is neither an Invocation nor an Error.
			Bad:   &PresetQuery{Expression: "SUM([errors, throttles])", Queries: []PresetPart{{"errors", "Errors", "Sum"}, throttles}},
			Total: &PresetQuery{Expression: "SUM([invocations, throttles])", Queries: []PresetPart{{"invocations", "Invocations", "Sum"}, throttles}},
		},
		Latency:    within("Duration", "ms"),
		BlindSpots: "A function that answers with an error of its own (a 500 in the payload) counts as good. Cold starts are not part of Duration.",
	}
}

func ecsPreset() Preset {
	code := func(id, class string) PresetPart { return PresetPart{id, "HTTPCode_Target_" + class + "_Count", "Sum"} }
	return Preset{
		Key: "ecs", Dimension: "TargetDiscoveryName", Namespace: "AWS/ECS",
		Doc: "An ECS service behind Service Connect, by its discovery name.",
		Available: Measure{
			Bad: one("HTTPCode_Target_5XX_Count", "Sum"),
			Total: &PresetQuery{Expression: "SUM([ok, moved, refused, failed])", Queries: []PresetPart{
				code("ok", "2XX"), code("moved", "3XX"), code("refused", "4XX"), code("failed", "5XX"),
			}},
		},
		Latency:    within("TargetResponseTime", "ms"),
		BlindSpots: "Service Connect counts answers. A request that got none (no task, a broken connection) is not in them; put a load balancer or a canary beside it.",
	}
}

func sqsPreset() Preset {
	return Preset{
		Key: "sqs", Dimension: "QueueName", Namespace: "AWS/SQS",
		Doc: "A queue, by its name: how long its oldest message waits.",
		Available: Measure{
			Refused: "a queue does not say which messages failed; write how long they may wait, as in 99% < 60s, and count failures where they happen, at the consumer",
		},
		Latency:    Measure{Value: one("ApproximateAgeOfOldestMessage", "Maximum"), Unit: "s"},
		BlindSpots: "A message that is received again and again keeps its age until it goes to the dead-letter queue, and is forgotten there.",
	}
}

func cloudFrontPreset() Preset {
	return Preset{
		Key: "cloudfront", Dimension: "DistributionId", Namespace: "AWS/CloudFront", Region: "us-east-1",
		Doc:   "A CloudFront distribution, by its ID.",
		Fixed: map[string]string{"Region": "Global"},
		Available: Measure{
			// The error rate is a percentage of the requests of its own minute.
			Bad: &PresetQuery{Expression: "requests * rate / 100", Queries: []PresetPart{
				{"requests", "Requests", "Sum"}, {"rate", "5xxErrorRate", "Average"},
			}},
			Total: one("Requests", "Sum"),
		},
		Latency:    within("OriginLatency", "ms"),
		BlindSpots: "OriginLatency needs the additional metrics of the distribution, and is only measured where the origin is asked.",
	}
}

func syntheticsPreset() Preset {
	return Preset{
		Key: "synthetics", Dimension: "CanaryName", Namespace: "CloudWatchSynthetics",
		Doc: "A CloudWatch Synthetics canary, by its name.",
		Available: Measure{
			// Each run publishes 0 or 100.
			Good:  &PresetQuery{Expression: "success / 100", Queries: []PresetPart{{"success", "SuccessPercent", "Sum"}}},
			Total: one("SuccessPercent", "SampleCount"),
		},
		Latency:    within("Duration", "ms"),
		BlindSpots: "A canary sees what it tries, as often as it runs. A stopped canary looks like no traffic.",
	}
}

// csvKey is the preset that reads recorded files instead of CloudWatch.
const csvKey = "csv"

func csvPreset() Preset {
	return Preset{
		Key: csvKey, Doc: "A recorded series in a file.",
		Params: []PresetParam{
			{Name: "columns", Doc: "The columns in the file's order, as in [timestamp, good, total]."},
			{Name: "step", Doc: "The step of the rows."},
			{Name: "timeFormat", Doc: "How times are written."},
			{Name: "total", Doc: "The column of all events; total unless said."},
			{Name: "available", Doc: "The column of good events; good unless said."},
			{Name: "latency", Doc: "The column of fast enough events; within_300ms for 99% < 300ms unless said."},
		},
	}
}

// commonParams are words under from that every CloudWatch preset takes.
func commonParams() []PresetParam {
	return []PresetParam{
		{Name: "source", Doc: "The name of a DataSource; without it, the account and region of the environment."},
		{Name: "region", Doc: "The region of the metrics."},
		{Name: "accountId", Doc: "The account, seen from a monitoring account."},
		{Name: "roleArn", Doc: "The role to take for reading."},
		{Name: "period", Doc: "The step of the metrics, as in 5m."},
	}
}

// params are all the words a preset takes beside its key.
func (p *Preset) params() []PresetParam {
	if p.Key == csvKey {
		return p.Params
	}
	return append(append([]PresetParam{}, p.Params...), commonParams()...)
}
