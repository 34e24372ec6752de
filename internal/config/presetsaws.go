package config

// The presets of AWS. What they say of metrics, units and blind spots is from
// the services' own pages on their CloudWatch metrics; where those leave
// something open, the row says how it is read.

func stageParam() PresetParam {
	return PresetParam{Name: "stage", Dimension: "Stage", Doc: "The stage; all of them unless said.", Suffix: "{suffix}", Listed: true}
}

func apiGatewayPreset() Preset {
	return Preset{
		Key: "apigateway", Dimension: "ApiName", Namespace: "AWS/ApiGateway",
		Doc:    "A REST API of API Gateway, by its name.",
		Params: []PresetParam{stageParam()},
		// Every request is a sample of 5XXError (its Average is the error rate, over
		// Count), so two statistics of one metric say it all and are billed once.
		Available: Measure{Bad: one("5XXError", "Sum"), Total: one("5XXError", "SampleCount")},
		Latency:   gatewayLatency(),
		BlindSpots: "Requests that do not reach the API (DNS, TLS, a web ACL in front) are not counted; throttled ones are, as 4XX, " +
			"and so as good. APIs of the same name share their metrics.",
	}
}

func httpAPIPreset() Preset {
	return Preset{
		Key: "httpapi", Dimension: "ApiId", Namespace: "AWS/ApiGateway",
		Doc:        "An HTTP API of API Gateway, by its ID.",
		Params:     []PresetParam{stageParam()},
		Available:  Measure{Bad: one("5xx", "Sum"), Total: one("Count", "SampleCount")},
		Latency:    gatewayLatency(),
		BlindSpots: "Requests that do not reach the API are not counted; throttled ones are, as 4xx, and so as good.",
	}
}

// gatewayLatency is from the request's arrival to the answer's departure; the
// integration's share of it is a metric of its own, IntegrationLatency.
func gatewayLatency() Measure {
	m := within("Latency", "ms")
	m.BlindSpots = "Latency is the whole time in API Gateway, the integration's and the gateway's own overhead (authorizers, mapping); " +
		"IntegrationLatency has the integration's alone. The way between caller and gateway is in neither."
	return m
}

func albPreset() Preset {
	parts := func(names ...PresetPart) []PresetPart { return names }
	return Preset{
		Key: "alb", Dimension: "LoadBalancer", Namespace: "AWS/ApplicationELB",
		Doc: "An Application Load Balancer: the end of its ARN, app/name/id.",
		Params: []PresetParam{{
			Name: "targetGroup", Dimension: "TargetGroup", Suffix: "{suffix}",
			Doc: "The end of a target group's ARN, targetgroup/name/id.",
		}},
		Available: Measure{
			// RequestCount leaves out what was rejected before a target was chosen.
			// Of the balancer's own answers those are the 503 (no target to choose);
			// a 502 or 504 was given up on a chosen target and is in RequestCount
			// already. To count it again would halve an outage. The balancer's own
			// 5xx belong to no target group.
			Bad: &PresetQuery{
				Expression: "SUM([target, elb])",
				Queries:    parts(PresetPart{"target", "HTTPCode_Target_5XX_Count", "Sum"}, PresetPart{"elb", "HTTPCode_ELB_5XX_Count", "Sum"}),
				Instead:    map[string]*PresetQuery{"targetGroup": one("HTTPCode_Target_5XX_Count", "Sum")},
			},
			Total: &PresetQuery{
				Expression: "SUM([requests, rejected])",
				Queries:    parts(PresetPart{"requests", "RequestCount", "Sum"}, PresetPart{"rejected", "HTTPCode_ELB_503_Count", "Sum"}),
				Instead:    map[string]*PresetQuery{"targetGroup": one("RequestCount", "Sum")},
			},
			BlindSpots: "Requests rejected before a target is chosen are not in RequestCount; they are added as the balancer's own 503. " +
				"The balancer's own 5xx cannot be told apart by target group: with one, only the targets' 5xx count.",
		},
		Latency: within("TargetResponseTime", "s"),
		BlindSpots: "Connections refused or dropped before a request is read (TLS, a full balancer) leave no trace here, and 4xx count as good. " +
			"Response times are the target's, to the first byte of its headers; requests without a target have none.",
	}
}

func nlbPreset() Preset {
	rejected := PresetPart{"rejected", "RejectedFlowCount", "Sum"}
	return Preset{
		Key: "nlb", Dimension: "LoadBalancer", Namespace: "AWS/NetworkELB",
		Doc: "A Network Load Balancer: the end of its ARN, net/name/id. It counts connections, not requests.",
		Available: Measure{
			// Resets are left out: clients, targets and idle timeouts cause them in
			// health, too. What is left are flows that went nowhere good for certain.
			Bad: &PresetQuery{
				Expression: "SUM([failopen, rejected])",
				Queries:    []PresetPart{{"failopen", "UnhealthyRoutingFlowCount", "Sum"}, rejected},
			},
			Total: &PresetQuery{Expression: "SUM([flows, rejected])", Queries: []PresetPart{{"flows", "NewFlowCount", "Sum"}, rejected}},
			BlindSpots: "A flow is bad when the balancer rejected it, or had no healthy target for it. What goes wrong inside a connection is not seen: " +
				"measure requests at the service.",
		},
		Latency: Measure{
			Unit:    "ms",
			Refused: "a Network Load Balancer passes connections on and times no answers; measure latency at the service, or with a canary",
		},
		BlindSpots: "Resets are not counted as failures, because clients and idle timeouts cause them, too. What a security group turns away is in no metric. " +
			"With no traffic nothing is published.",
	}
}

func lambdaPreset() Preset {
	throttles := PresetPart{"throttles", "Throttles", "Sum"}
	latency := within("Duration", "ms")
	latency.BlindSpots = "Duration is the run of the handler: cold starts (Init) and the time an event waits are not in it, and throttled calls have none."
	return Preset{
		Key: "lambda", Dimension: "FunctionName", Namespace: "AWS/Lambda",
		Doc:    "A Lambda function, by its name.",
		Params: []PresetParam{{Name: "alias", Dimension: "Resource", Doc: "function:alias, where only one alias counts.", Suffix: "{name}:{suffix}"}},
		Available: Measure{
			// A throttled invocation is neither an Invocation nor an Error.
			Bad:   &PresetQuery{Expression: "SUM([errors, throttles])", Queries: []PresetPart{{"errors", "Errors", "Sum"}, throttles}},
			Total: &PresetQuery{Expression: "SUM([invocations, throttles])", Queries: []PresetPart{{"invocations", "Invocations", "Sum"}, throttles}},
			BlindSpots: "Throttled calls count as bad. Calls refused for other reasons (rights, a payload too large, a fault of the service) are in no metric. " +
				"Asynchronous events count once a try; those given up without a run are in AsyncEventsDropped alone.",
		},
		Latency:    latency,
		BlindSpots: "A function that answers with an error of its own (a 500 in the payload) counts as good.",
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
		Latency: within("TargetResponseTime", "ms"),
		BlindSpots: "Service Connect counts answers. A request that got none (no task, a broken connection) is not in them; put a load balancer or a canary beside it. " +
			"Only callers inside Service Connect are seen, and clusters that use the same discovery name share their metrics.",
	}
}

func sqsPreset() Preset {
	return Preset{
		Key: "sqs", Dimension: "QueueName", Namespace: "AWS/SQS",
		Doc: "A queue, by its name: how long its oldest message waits.",
		Available: Measure{
			Refused: "a queue does not say which messages failed; write how long they may wait, as in 99% < 60s, and count failures where they happen, at the consumer",
		},
		Latency: Measure{Value: one("ApproximateAgeOfOldestMessage", "Maximum"), Unit: "s"},
		BlindSpots: "In a standard queue, a message that was received more than three times is left out of the age: a stuck one hides there, or in the dead-letter queue. " +
			"A queue that nobody used for six hours publishes nothing.",
	}
}

func cloudFrontPreset() Preset {
	latency := within("OriginLatency", "ms")
	latency.BlindSpots = "OriginLatency needs the additional metrics of the distribution (they cost extra), and is only measured where the origin is asked: " +
		"answers from the cache and the way to the viewer are not in it."
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
		Latency: latency,
		BlindSpots: "Requests that do not reach an edge are not counted, 4xx count as good. The metrics of all regions are in us-east-1, " +
			"errors as a rounded share of the minute's requests.",
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
		BlindSpots: "A canary sees what it tries, as often as it runs: a run every 5 minutes is 8,640 events a month. A stopped canary looks like no traffic. Duration is the whole script's.",
	}
}
