package openslo

// slo is the shape of an SLO's spec.
func (s *Shapes) slo(sli, policy *Shape) *Shape {
	indicator := Object("The indicator itself.", s.inline("", sli)...)
	indicator.Fields[1].Required = true
	indicator.Name = "inlineIndicator"
	ref := Text("The name of an SLI.", s.Name)
	windows := ListOf("The stretch the objective is about; exactly one.", 1, s.window())
	windows.Max = 1
	spec := Object("A service level objective.",
		description(),
		Need("service", Text("The service's name.", s.Name)),
		May("indicator", indicator), May("indicatorRef", ref),
		Need("budgetingMethod", OneOf("How the budget is counted.", "Occurrences", "Timeslices", "RatioTimeslices")),
		May("timeWindow", windows),
		Need("objectives", ListOf("The targets.", 1, s.objective(indicator, ref))),
		May("alertPolicies", ListOf("Who is alerted, and when.", 0, s.refOrInline("alertPolicyRef", "AlertPolicy", policy))))
	spec.Groups = []Group{{Fields: []string{"indicator", "indicatorRef"}}}
	return spec
}

func (s *Shapes) window() *Shape {
	cal := Object("Where the periods begin.",
		Need("startTime", Text("When a first period begins, without a zone.", StartFormat())),
		Need("timeZone", Text("An IANA time zone.", ZoneFormat())))
	return Object("A window.",
		Need("duration", Text("Its length: 28d, 4w, 1M. (1m is one minute.)", s.Duration)),
		May("isRolling", Flag("It ends now, and moves.")),
		May("calendar", cal))
}

func (s *Shapes) objective(indicator, ref *Shape) *Shape {
	slice := Text("The length of a slice.", s.Duration)
	slice.Or = []*Shape{Num("Minutes.", PositiveFormat())}
	o := Object("One target.",
		May("displayName", Text("How the objective is called.", lengthFormat("text", maxName))),
		May("op", OneOf("How a value is compared with the bound (thresholdMetric only).", "lt", "lte", "gt", "gte")),
		May("value", Num("The bound (thresholdMetric only).", DecimalFormat())),
		May("target", Num("The share of good events, above 0 and below 1.", targetFormat(1))),
		May("targetPercent", Num("The same in per cent, above 0 and below 100.", targetFormat(100))),
		May("timeSliceTarget", Num("The ratio at which a slice is good, above 0 and at most 1.", ShareFormat())),
		May("timeSliceWindow", slice),
		May("indicator", indicator), May("indicatorRef", ref),
		May("compositeWeight", Num("How much a member of a composite counts; 1 unless said.", PositiveFormat())))
	o.Name = "objective"
	o.Groups = []Group{
		{Fields: []string{"target", "targetPercent"}, Required: true, Hint: "target: 0.999 and targetPercent: 99.9 say the same"},
		{Fields: []string{"indicator", "indicatorRef"}},
	}
	return o
}
