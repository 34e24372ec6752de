package alert

import (
	"context"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/mark"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
)

const (
	// catchUp is how many missed minutes are made up for at most. What fired and
	// ended before that is history, for a backtest to find.
	catchUp = 30 * slo.Minute(1)
	// current is how old the newest minute of an objective may be; behind that a
	// recording is being looked at, and nobody is woken for the past.
	current = 30 * slo.Minute(1)
)

// minute is what is known of all objectives at the end of a minute.
type minute map[string]*slo.Status

// evaluator is the minutes that can be decided now.
type evaluator struct {
	env     *run.Env
	entries map[string]*status.Entry
	now     slo.Minute
	read    map[slo.Minute]minute
	proofs  map[proof]float64
}

func newEvaluator(env *run.Env, entries []status.Entry) *evaluator {
	x := &evaluator{env: env, entries: map[string]*status.Entry{}, now: slo.MinuteOf(env.Now), read: map[slo.Minute]minute{}, proofs: map[proof]float64{}}
	for i := range entries {
		x.entries[entries[i].Objective.Key()] = &entries[i]
	}
	return x
}

// span is which minutes' ends of an objective are to be decided, (from, to], and
// from where on nothing is known: a live source that answers nothing any more.
func (x *evaluator) span(e *status.Entry, seen map[string]slo.Minute) (from, to, blind slo.Minute) {
	frontier := e.Status.Frontier
	if frontier == 0 {
		return 0, 0, 0 // never measured: there is nothing that could have ended
	}
	blind = frontier
	to = frontier
	if age := e.Objective.MaxAge; age > 0 && x.now-age > frontier {
		to = x.now - age
	} else if age == 0 && x.now-frontier > current {
		return 0, 0, 0
	}
	from, ok := seen[e.Objective.Key()]
	if !ok {
		from = to - 1 // the first time there is nothing to make up for
	}
	return max(from, to-catchUp), to, blind
}

// steps decides, in a state, all minutes that can be decided.
func (x *evaluator) steps(ctx context.Context, m *Memory, in alert.Input) ([]alert.Event, error) {
	first, last := slo.Minute(0), slo.Minute(0)
	for _, e := range x.entries {
		from, to, _ := x.span(e, m.State.Seen)
		if to > from && (first == 0 || from+1 < first) {
			first = from + 1
		}
		last = max(last, to)
	}
	var out []alert.Event
	if first == 0 {
		return nil, nil
	}
	for at := first; at <= last; at++ {
		in.At = at
		samples, err := x.samples(ctx, m, in)
		if err != nil {
			return nil, err
		}
		in.Samples = samples
		var events []alert.Event
		m.State, events = alert.Step(m.State, in)
		out = append(out, events...)
	}
	return out, nil
}

// samples are those of one minute.
func (x *evaluator) samples(ctx context.Context, m *Memory, in alert.Input) ([]alert.Sample, error) {
	rules := in.Set.Rules()
	out := make([]alert.Sample, len(rules))
	var missing []string
	for key, e := range x.entries {
		from, to, blind := x.span(e, m.State.Seen)
		if in.At > from && in.At <= to && in.At < blind {
			missing = append(missing, key)
		}
	}
	known, err := x.at(ctx, in.At, missing)
	if err != nil {
		return nil, err
	}
	for i := range rules {
		r := &rules[i]
		e := x.entries[r.Of()]
		if e == nil {
			continue
		}
		from, to, blind := x.span(e, m.State.Seen)
		st := known[r.Of()]
		switch {
		case in.At <= from || in.At > to:
		case in.At > blind:
			out[i] = alert.Sample{Evaluated: true}
		default:
			if st == nil {
				st = &e.Status
			}
			out[i] = sample(st, r)
			if err := x.prove(ctx, e, m.State.Alerts[r.ID], &in, i, &out[i]); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// sample is a rule's in a status; one whose condition the status has not is
// unknown.
func sample(st *slo.Status, r *alert.Rule) alert.Sample {
	for k := range st.Conditions {
		if st.Conditions[k].Name == r.Name {
			return alert.SampleOf(st, k)
		}
	}
	return alert.Sample{Evaluated: true}
}

// at reads how objectives stood at an earlier minute, once.
func (x *evaluator) at(ctx context.Context, at slo.Minute, keys []string) (minute, error) {
	out := x.read[at]
	if out == nil {
		out = minute{}
		x.read[at] = out
	}
	var ask []string
	for _, key := range keys {
		if out[key] == nil {
			ask = append(ask, key)
		}
	}
	if len(ask) == 0 {
		return out, nil
	}
	entries, err := status.Read(ctx, x.env, status.Options{At: at.Time(), Select: ask})
	if err != nil {
		return nil, err
	}
	for i := range entries {
		out[entries[i].Objective.Key()] = &entries[i].Status
	}
	return out, nil
}

// prove gathers the evidence of a condition that holds, where it is asked for or
// about to be told.
func (x *evaluator) prove(ctx context.Context, e *status.Entry, was alert.Alert, in *alert.Input, i int, s *alert.Sample) error {
	o := &e.Objective.Objective
	if s.Truth != slo.True || len(o.Members) > 0 || in.Set.Rules()[i].Evidence <= 0 && was.Phase == alert.Firing {
		return nil
	}
	if have, ok := x.proofs[proof{o.Key(), in.At}]; ok {
		s.Evidence = new(have)
		return nil
	}
	log, err := status.Evidence(ctx, x.env, e, in.At)
	if err != nil {
		return err
	}
	x.proofs[proof{o.Key(), in.At}], s.Evidence = *log, log
	return nil
}

// proof names the evidence of an objective at an instant.
type proof struct {
	objective string
	at        slo.Minute
}

// silences are those that people declared, as the decider reads them. What was
// measured before one was declared and is decided after it is silenced too: who
// declares it wants quiet from then on.
func silences(ctx context.Context, env *run.Env) ([]alert.Silence, error) {
	marks, err := mark.Silences(ctx, env)
	if err != nil {
		return nil, err
	}
	var out []alert.Silence
	for i := range marks {
		m := &marks[i]
		s := alert.Silence{ID: m.ID, Match: m.Subject, Author: m.Author, Reason: m.Reason}
		s.From = slo.MinuteOf(m.From) - catchUp
		// The last whole minute that ends before the silence does.
		s.To = slo.MinuteOf(m.Until().Add(-1))
		out = append(out, s)
	}
	return out, nil
}
