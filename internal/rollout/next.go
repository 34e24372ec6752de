package rollout

import (
	"fmt"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// How often what failed is tried again before something else is done. To put the
// old version back is tried longest: nothing is left to do instead.
const (
	triesRead    = 8
	triesMake    = 5
	triesShift   = 5
	triesRestore = 30
)

// Next is the whole machine: what happened in a state at an instant gives the
// next state, what is to be done, and why. It asks no clock and nobody else.
//
// Before a command is carried out the state is recorded. Every state that has
// an action, or lies between the first shift and the end, holds the target as it
// was before: [State.Check].
func Next(s State, e Event, now time.Time) (State, Command, []decision.Reason) {
	m := &machine{State: s, now: now}
	m.Segments, m.Left, m.Reasons = slices.Clone(s.Segments), slices.Clone(s.Left), slices.Clone(s.Reasons)
	cmd := m.step(e)
	return m.State, cmd, m.why
}

type machine struct {
	State
	now time.Time
	why []decision.Reason
}

func (m *machine) step(e Event) Command {
	if m.Phase == End || !m.fits(e) {
		return Command{Do: Stop}
	}
	switch e := e.(type) {
	case Woken:
		return m.woken()
	case Observed:
		return m.observed(e)
	case Made:
		m.Version, m.Tries = e.Version, 0
		return m.first()
	case Applied:
		if !e.State.Ready || !e.State.Same(m.Action.To) {
			return m.settle(e.State)
		}
		return m.confirmed(e.State)
	case Trouble:
		return m.trouble(e)
	case Looked:
		return m.looked(e)
	case Interrupted:
		return m.interrupted()
	case Told:
		return m.told(e)
	}
	return Command{Do: Stop}
}

// fits says whether an event can happen in a state. What cannot changes nothing.
func (m *machine) fits(e Event) bool {
	switch e := e.(type) {
	case Observed:
		return !m.Plan.Still
	case Made:
		return m.Phase == Publish && m.Base != nil
	case Applied:
		return m.Phase == Intent && m.Action != nil
	case Trouble:
		return !m.Plan.Still && (e.Do != Apply || m.Phase == Intent) && (e.Do != Make || m.Phase == Publish)
	case Looked:
		return m.Phase == Bake
	case Woken, Interrupted, Told:
	}
	return true
}

// say adds a reason.
func (m *machine) say(code, format string, args ...any) {
	m.why = append(m.why, decision.Reason{Code: code, Text: fmt.Sprintf(format, args...)})
}

// end ends the rollout.
func (m *machine) end(o Outcome, v decision.Verdict) Command {
	m.Phase, m.Outcome, m.Verdict, m.Action, m.Left, m.Ending, m.Tries = End, o, v, nil, nil, "", 0
	m.Reasons = append(m.Reasons, m.why...)
	return Command{Do: Stop}
}

// woken begins, or goes on where another process ended: the target is looked at
// before anything else.
func (m *machine) woken() Command {
	if err := m.Check(); err != nil {
		m.say("corrupt", "%v", err)
		return Command{Do: Stop}
	}
	m.Tries = 0
	if m.Plan.Still {
		return m.still()
	}
	return Command{Do: Read}
}

// still begins, or goes on, where nothing is moved.
func (m *machine) still() Command {
	switch m.Phase {
	case Begin, Publish:
		return m.shift()
	case Bake:
		m.Moved = m.now
		return Command{Do: Look}
	case Intent, Pause, End:
	}
	return Command{Do: Stop}
}

func (m *machine) observed(e Observed) Command {
	switch m.Phase {
	case Begin, Publish:
		return m.preflight(e)
	case Intent:
		return m.settle(e.State)
	case Bake:
		if stop, is := m.foreign(e.State); is {
			return stop
		}
		m.keep(e.State)
		m.Moved, m.Tries = m.now, 0
		return Command{Do: Look}
	case Pause:
		if stop, is := m.foreign(e.State); is {
			return stop
		}
		m.keep(e.State)
	case End:
	}
	return Command{Do: Stop}
}

// preflight looks whether a rollout may begin at all. Nothing was moved yet.
func (m *machine) preflight(e Observed) Command {
	refuse := func(code, format string, args ...any) Command {
		m.say(code, format, args...)
		return m.end(Abandoned, decision.Inconclusive)
	}
	if err := m.Plan.Check(e.Caps); err != nil {
		return refuse("plan", "%v; %s", err, fault.HintOf(err))
	}
	switch {
	case !e.State.Whole():
		return refuse("split", "the target's traffic is split already: %s", e.State.Split)
	case e.State.Busy != "":
		return refuse("busy", "the target is busy: %s", e.State.Busy)
	case !e.State.Ready:
		return m.again(Read, triesRead, func() Command { return refuse("busy", "the target is not ready") })
	case e.State.Stable == "" && !e.Caps.Blind:
		return refuse("base", "it is not known which version serves")
	}
	if e.RedRead && !m.RedRead {
		m.RedRead, m.Red = true, e.Red
	}
	base := e.State
	if m.Blind = e.Caps.Blind; m.Blind && base.Stable == "" {
		base.Stable = m.Serves
	}
	m.Base, m.Now, m.Tries = &base, base, 0
	if m.Version == "" {
		m.Phase = Publish
		return Command{Do: Make}
	}
	return m.first()
}

// first begins with the first step once the version is known.
func (m *machine) first() Command {
	if m.Base != nil && m.Version == m.Base.Stable {
		m.say("same_version", "version %s serves already: there is nothing to roll out", m.Version)
		return m.end(Nothing, decision.Pass)
	}
	return m.shift()
}

// shift announces the step's share.
func (m *machine) shift() Command {
	if m.Plan.Still {
		return m.bake()
	}
	return m.announce(act.Shift, act.Split{Stable: m.Base.Stable, Canary: m.Version, Weight: m.At().Weight})
}

// keep takes over how the target lies; a blind one says nothing of worth.
func (m *machine) keep(is act.State) {
	if !m.Blind {
		m.Now = is
	}
}

// announce puts an action into the state; it is recorded before it is done.
func (m *machine) announce(verb act.Verb, to act.Split) Command {
	m.closeSegment()
	m.Actions++
	m.Phase, m.Tries = Intent, 0
	m.Action = &act.Action{Verb: verb, Key: fmt.Sprintf("%s-%d", m.ID, m.Actions), From: m.Now, To: to}
	if len(m.why) > 0 {
		m.Action.Reason = m.why[len(m.why)-1].Text
	}
	return Command{Do: Apply}
}

// closeSegment ends the stretch in which the split is as the step wants it.
func (m *machine) closeSegment() {
	if n := len(m.Segments); n > 0 && m.Phase == Bake {
		m.Segments[n-1].To = slo.MinuteOf(m.now)
	}
}

// restore puts the old version back; the rollout ends with an outcome then. Where
// an action is under way whose end is not known, the target is read first.
func (m *machine) restore(o Outcome, v decision.Verdict) Command {
	if m.Plan.Still || m.Base == nil {
		return m.end(o, v)
	}
	m.Reasons, m.Ending, m.Verdict = append(m.Reasons, m.why...), o, v
	open := m.Action
	if open != nil {
		m.Left = append(m.Left, open.To, open.From.Split)
	}
	verb := act.Restore
	if m.Undo {
		verb = act.Rollback
	}
	cmd := m.announce(verb, act.Split{Stable: m.Base.Stable})
	if open != nil {
		return Command{Do: Read}
	}
	return cmd
}

// settle finds out what became of an action: the target was read.
func (m *machine) settle(is act.State) Command {
	switch {
	case m.Blind && (is.Stable == "" || !is.Same(m.Action.To)):
		// Nobody can see whether it was done: it is done again.
		return Command{Do: Apply, After: backoff(m.Tries)}
	case !m.ours(is.Split):
		stop, _ := m.foreign(is)
		return stop
	case !is.Ready:
		m.Now = is
		return m.again(Read, triesRestore, m.giveUp)
	case is.Same(m.Action.To):
		return m.confirmed(is)
	}
	m.Now, m.Action.From = is, is
	return Command{Do: Apply, After: backoff(m.Tries)}
}

// confirmed goes on behind an action that is done.
func (m *machine) confirmed(is act.State) Command {
	verb := m.Action.Verb
	m.Now, m.Action, m.Left, m.Tries = is, nil, nil, 0
	switch verb {
	case act.Promote:
		m.say("promoted", "version %s has all of the traffic", m.Version)
		return m.end(Promoted, m.passed())
	case act.Restore, act.Rollback:
		reasons, o := m.Reasons, m.Ending
		m.say("restored", "version %s has all of the traffic back", m.Base.Stable)
		m.Reasons = reasons
		return m.end(o, m.Verdict)
	case act.Shift:
	}
	return m.bake()
}

// passed is the verdict of a rollout that came through.
func (m *machine) passed() decision.Verdict {
	if m.Warned {
		return decision.Warn
	}
	return decision.Pass
}

// settleFor is how long a change takes until all of the traffic follows it.
const settleFor = 15 * time.Second

// bake begins to judge a step: with the first whole minute in which the traffic
// lies as it is to.
func (m *machine) bake() Command {
	m.Phase, m.Minutes, m.Extra, m.Moved = Bake, 0, 0, m.now
	m.Begun = slo.MinuteOf(m.now.Add(settleFor + time.Minute - time.Nanosecond))
	if m.Since == 0 {
		m.Since = m.Begun
	}
	m.Segments = append(m.Segments, Segment{Weight: m.At().Weight, Span: slo.Span{From: m.Begun}})
	if m.Step == 0 {
		m.sayRed()
	}
	m.say("step", "step %d of %d: %s for %d usable minutes", m.Step+1, len(m.Plan.Steps), m.share(), m.Needs())
	return m.later()
}

func (m *machine) share() string {
	if m.Plan.Still {
		return "side by side"
	}
	return Percent(m.At().Weight) + " on " + m.Version
}

// later looks again at the next whole minute.
func (m *machine) later() Command {
	next := m.now.Truncate(time.Minute).Add(time.Minute)
	return Command{Do: Look, After: next.Sub(m.now)}
}

// foreign ends a rollout whose target somebody else has changed. Nothing is
// touched: what they wanted is not known here.
func (m *machine) foreign(is act.State) (Command, bool) {
	switch {
	case !m.ours(is.Split) && m.Base != nil && is.Same(m.Base.Split):
		// By a person, or by a process before this one that could not record it.
		m.say("put_back", "the target was put back to %s already", is.Split)
		m.closeSegment()
		m.Now = is
		return m.end(Abandoned, decision.Inconclusive), true
	case !m.ours(is.Split):
		m.say("foreign", "somebody else changed the target: it is %s, and was left as %s", is.Split, m.Now.Split)
	case is.Busy != "":
		m.say("foreign", "somebody else is at work on the target: %s", is.Busy)
	default:
		return Command{}, false
	}
	m.closeSegment()
	m.Now = is
	return m.end(Foreign, decision.Inconclusive), true
}

// backoff is how long is waited after so many failures: 1, 2, 4 ... 60 seconds.
func backoff(tries int) time.Duration {
	if tries == 0 {
		return 0
	}
	return min(time.Minute, time.Second<<min(tries-1, 6))
}

// again tries once more, unless it was tried too often.
func (m *machine) again(do Do, most int, otherwise func() Command) Command {
	m.Tries++
	if m.Tries > most {
		return otherwise()
	}
	return Command{Do: do, After: backoff(m.Tries)}
}
