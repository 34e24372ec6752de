package status

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"

	runstatus "gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Answer is what `nines status -o json` prints. Fields are added, never
// renamed; what cannot be known is null.
type Answer struct {
	At         time.Time   `json:"at"`
	Frontier   *time.Time  `json:"frontier"` // the oldest of the objectives' own
	Objectives []Objective `json:"objectives"`
}

// Objective is one objective's standing. Numbers of events are in events (or
// slices), shares between 0 and 1, exact decimals of documents are strings.
type Objective struct {
	Service   string   `json:"service"`
	SLO       string   `json:"slo"`
	Objective string   `json:"objective"`
	Target    string   `json:"target"`
	Window    string   `json:"window"`
	Method    string   `json:"method"`
	Good      *float64 `json:"good"`
	Total     *float64 `json:"total"`
	SLI       *float64 `json:"sli"`
	Budget    Budget   `json:"budget"`
	// Burn holds burn rates by look-back.
	Burn Lookbacks[*float64] `json:"burn"`
	// Exhausts holds seconds by look-back; null: never.
	Exhausts Lookbacks[*int64] `json:"exhausts_in_seconds"`
	// Coverage holds the share measured of the window and of the last hour, and
	// of every other look-back that is not whole.
	Coverage   Lookbacks[*float64] `json:"coverage"`
	Level      string              `json:"level"`
	Flags      []slo.Flag          `json:"flags"`
	Frontier   *time.Time          `json:"frontier,omitempty"` // where it is not the answer's
	Conditions []Condition         `json:"conditions,omitempty"`
	Reopens    *int64              `json:"reopens_in_seconds,omitempty"`
	Losses     []Loss              `json:"losses,omitempty"` // worst first; in detail only
	Trend      []float64           `json:"trend,omitempty"`  // remaining at each day's end; in detail only
}

// Budget is an error budget in events (or slices).
type Budget struct {
	Allowed   *float64 `json:"allowed"`
	Spent     *float64 `json:"spent"`
	Remaining *float64 `json:"remaining"`
}

// Condition is a burn condition; truth is true, false or unknown.
type Condition struct {
	Name      string   `json:"name"`
	Severity  string   `json:"severity"`
	Long      string   `json:"long"`
	Short     string   `json:"short"`
	Threshold string   `json:"threshold"`
	Truth     string   `json:"truth"`
	LongBurn  *float64 `json:"long_burn"`
	ShortBurn *float64 `json:"short_burn"`
}

// Loss is a stretch that cost budget; Share is of the whole window's.
type Loss struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Bad   float64   `json:"bad"`
	Total float64   `json:"total"`
	Share *float64  `json:"share"`
}

// Lookbacks is a JSON object whose keys keep their order, short to long.
type Lookbacks[T any] []Lookback[T]

// Lookback is a value by look-back.
type Lookback[T any] struct {
	Name  string
	Value T
}

// MarshalJSON implements json.Marshaler.
func (l Lookbacks[T]) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, e := range l {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(e.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(e.Value)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// JSON prints the [Answer].
func (v View) JSON(w io.Writer) error {
	return host.JSON(w, v.Answer())
}

// Answer builds the JSON shape.
func (v View) Answer() Answer {
	a := Answer{At: v.Now.UTC().Truncate(time.Second), Objectives: []Objective{}}
	var oldest slo.Minute
	for i, e := range v.Entries {
		if i == 0 || e.Status.At.Time().After(a.At) {
			a.At = e.Status.At.Time()
		}
		if f := e.Status.Frontier; f != 0 && (oldest == 0 || f < oldest) {
			oldest = f
		}
	}
	a.Frontier = instant(oldest)
	for _, e := range v.Entries {
		o := objective(e)
		if e.Status.Frontier != oldest {
			o.Frontier = instant(e.Status.Frontier)
		}
		if v.Detail {
			o.Losses, o.Trend = losses(e), e.Trend
		}
		a.Objectives = append(a.Objectives, o)
	}
	return a
}

// instant is the time of a frontier, nil where nothing was ever measured.
func instant(m slo.Minute) *time.Time {
	if m == 0 {
		return nil
	}
	return new(m.Time())
}

func objective(e runstatus.Entry) Objective {
	o, s := e.Objective, e.Status
	out := Objective{
		Service: o.Service, SLO: o.SLO, Objective: o.Name,
		Target: o.Target.String(), Window: o.Window.String(), Method: o.Budgeting.String(),
		SLI:    finite(s.SLI),
		Budget: Budget{finite(&s.Budget.Allowed), finite(&s.Budget.Spent), finite(s.Budget.Remaining)},
		Burn:   Lookbacks[*float64]{}, Exhausts: Lookbacks[*int64]{},
		Level: level(e), Flags: s.Flags,
	}
	if !s.Stretch.Saturated() {
		out.Good, out.Total = new(s.Stretch.Good.Float()), new(s.Stretch.Total.Float())
	}
	if out.Flags == nil {
		out.Flags = []slo.Flag{}
	}
	for _, b := range s.Burns {
		out.Burn = append(out.Burn, Lookback[*float64]{slo.FormatLength(b.Lookback), finite(b.Rate)})
	}
	for _, x := range s.Exhausts {
		out.Exhausts = append(out.Exhausts, Lookback[*int64]{slo.FormatLength(x.Lookback), seconds(x.In)})
	}
	for _, c := range s.Conditions {
		out.Conditions = append(out.Conditions, Condition{
			Name: c.Name, Severity: c.Severity.String(), Truth: truth(c.Truth),
			Long: slo.FormatLength(c.Condition.Long), Short: slo.FormatLength(c.Condition.Short), Threshold: c.Threshold.String(),
			LongBurn: finite(c.Long), ShortBurn: finite(c.Short),
		})
	}
	out.Coverage = coverage(s)
	out.Reopens = seconds(e.Reopen)
	return out
}

func coverage(s slo.Status) Lookbacks[*float64] {
	out := Lookbacks[*float64]{{"window", covered(s.Stretch)}}
	for _, b := range s.Burns {
		share := covered(b.Stretch)
		if b.Lookback == slo.Hour || share == nil || *share < 1 {
			out = append(out, Lookback[*float64]{slo.FormatLength(b.Lookback), share})
		}
	}
	return out
}

// covered is nil where nothing was expected yet: a coverage of nothing is not
// known, rather than whole.
func covered(s slo.Stretch) *float64 {
	if s.Expected <= 0 {
		return nil
	}
	return new(s.Coverage())
}

func losses(e runstatus.Entry) []Loss {
	out := make([]Loss, len(e.Losses))
	for i, l := range e.Losses {
		out[i] = Loss{l.Span.From.Time(), l.Span.To.Time(), l.Bad.Float(), l.Total.Float(), finite(&l.Share)}
	}
	return out
}

func seconds(m *slo.Minute) *int64 {
	if m == nil {
		return nil
	}
	return new(int64(*m) * 60)
}

func finite(v *float64) *float64 {
	if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) {
		return nil
	}
	return v
}

func truth(t slo.Truth) string {
	switch t {
	case slo.True:
		return "true"
	case slo.False:
		return "false"
	case slo.Undetermined:
	}
	return "unknown"
}
