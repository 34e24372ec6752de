package openslo

import (
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Document is one decoded document: exactly one of the pointers is set.
type Document struct {
	Kind  string
	Meta  Meta
	Place fault.Place

	DataSource *DataSource
	Service    *Service
	SLI        *SLI
	SLO        *SLO
	Condition  *AlertCondition
	Target     *AlertNotificationTarget
	Policy     *AlertPolicy
}

// Meta is metadata. Place is where the name stands.
type Meta struct {
	Name, DisplayName string
	Labels            map[string][]string
	Annotations       []Annotation
	Place             fault.Place
}

// Annotation is one key and value of metadata.annotations.
type Annotation struct {
	Key, Value      string
	Place, KeyPlace fault.Place
}

// Annotation returns the annotation of a key.
func (m *Meta) Annotation(key string) (Annotation, bool) {
	for _, a := range m.Annotations {
		if a.Key == key {
			return a, true
		}
	}
	return Annotation{}, false
}

// Ref is a reference by name; Name is empty where nothing is referred to.
type Ref struct {
	Name  string
	Place fault.Place
}

// DataSource is where a kind of source is and how to reach it.
type DataSource struct {
	Meta        Meta
	Description string
	Type        Ref
	Details     *Node
}

// Service is what objectives are about.
type Service struct {
	Meta        Meta
	Description string
}

// SLI is what is measured: Ratio or Threshold is set.
type SLI struct {
	Meta        Meta
	Description string
	Ratio       *Ratio
	Threshold   *Metric
	Place       fault.Place
}

// Ratio is good or bad against total, or a ready-made ratio in Raw.
type Ratio struct {
	Counter               bool
	Good, Bad, Total, Raw *Metric
	Failure               bool // of Raw: bad/total
}

// Metric is one series at a source.
type Metric struct {
	Source Ref // of a DataSource
	Type   Ref // of source, where no DataSource is named
	Spec   *Node
	Place  fault.Place
}

// SLO is a service level objective with its targets.
type SLO struct {
	Meta         Meta
	Description  string
	Service      Ref
	Indicator    *SLI
	IndicatorRef Ref
	Budgeting    slo.Budgeting
	Window       *Window // nil where none is written
	Objectives   []Objective
	Policies     []PolicyRef
	Place        fault.Place // of the spec
}

// Composite says whether the objectives carry the indicators.
func (s *SLO) Composite() bool {
	for i := range s.Objectives {
		if s.Objectives[i].Indicator != nil || s.Objectives[i].IndicatorRef.Name != "" {
			return true
		}
	}
	return false
}

// Window is a time window, as written.
type Window struct {
	Duration string
	Rolling  bool
	Start    string // of a calendar window
	Zone     string
	Place    fault.Place // of the duration
}

// Objective is one target, as written. The Has fields say which of the bound's
// parts are there.
type Objective struct {
	DisplayName  string
	Op           slo.Op
	HasOp        bool
	Value        slo.Decimal
	HasValue     bool
	BoundPlace   fault.Place
	Target       slo.Decimal
	SliceTarget  slo.Decimal
	Slice        slo.Minute
	Indicator    *SLI
	IndicatorRef Ref
	Weight       slo.Decimal
	Place        fault.Place
}

// PolicyRef is an alert policy by name or written in place.
type PolicyRef struct {
	Ref    Ref
	Inline *AlertPolicy
}

// AlertPolicy says which conditions alert whom.
type AlertPolicy struct {
	Meta                        Meta
	Description                 string
	NoData, Breaching, Resolved bool
	Conditions                  []ConditionRef
	Targets                     []TargetRef
}

// ConditionRef is a condition by name or written in place.
type ConditionRef struct {
	Ref    Ref
	Inline *AlertCondition
}

// TargetRef is a notification target by name or written in place.
type TargetRef struct {
	Ref    Ref
	Inline *AlertNotificationTarget
}

// AlertCondition is a burn rate that calls for somebody.
type AlertCondition struct {
	Meta           Meta
	Description    string
	Severity       Ref // the word
	Threshold      slo.Decimal
	ThresholdPlace fault.Place
	Lookback       slo.Minute
	LookbackPlace  fault.Place
	After          slo.Minute
}

// AlertNotificationTarget is where alerts go.
type AlertNotificationTarget struct {
	Meta        Meta
	Description string
	Target      string
	Place       fault.Place // of Target
}
