package rollout

import (
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// looked decides what follows from what the usable minutes say.
func (m *machine) looked(e Looked) Command {
	if e.Target != nil {
		if stop, is := m.foreign(*e.Target); is {
			return stop
		}
		m.keep(*e.Target)
	}
	if red := m.alarms(e); len(red) > 0 {
		m.say("alarm", "alarms became red: %s", strings.Join(red, ", "))
		return m.restore(Failed, decision.Fail)
	}
	// While nobody knows of the alarms, no minute speaks for the new version.
	if e.Minutes > m.Minutes && !e.Unread {
		m.Minutes, m.Moved = e.Minutes, m.now
	}
	switch {
	case e.Verdict == decision.Fail:
		m.say("worse", "%s", e.Why)
		return m.restore(Failed, decision.Fail)
	case e.Split != "":
		m.say("split", "%s", e.Split)
		return m.restore(Restored, decision.Inconclusive)
	case !e.Unread && m.enough(e.Verdict):
		return m.over(e)
	case m.now.Sub(m.Moved) >= m.Plan.wait():
		return m.stalled(e)
	case e.Trouble != "":
		m.say("source", "%s", e.Trouble)
	}
	return m.later()
}

// enough says whether a step has had its minutes, or needs no more of them.
func (m *machine) enough(v decision.Verdict) bool {
	return m.Minutes >= m.Needs() || m.Plan.Early && v == decision.Pass && m.Minutes > 0
}

// alarms returns those that became red since the rollout began. One that was red
// before says nothing about the new version, and must not hold the fix.
func (m *machine) alarms(e Looked) []string {
	if e.Unread {
		return nil
	}
	red := e.Red
	if !m.RedRead {
		m.RedRead, m.Red = true, red
		m.sayRed()
		return nil
	}
	var fresh []string
	for _, a := range red {
		if !slices.Contains(m.Red, a) {
			fresh = append(fresh, a)
		}
	}
	return fresh
}

// sayRed says which alarms were red before anything was moved.
func (m *machine) sayRed() {
	if len(m.Red) > 0 {
		m.say("red_before", "these alarms were red before and do not count: %s", strings.Join(m.Red, ", "))
	}
}

// stalled is a step in which no minute became usable for too long.
func (m *machine) stalled(e Looked) Command {
	why := e.Trouble
	if why == "" {
		why = e.Why
	}
	m.say("stalled", "no minute became usable for %s: %s", slo.FormatLength(slo.Minute(m.Plan.wait().Minutes())), why)
	if m.Plan.Unsure == UnsurePause {
		return m.pause(decision.Inconclusive)
	}
	return m.restore(Restored, decision.Inconclusive)
}

// over ends a step.
func (m *machine) over(e Looked) Command {
	switch e.Verdict {
	case decision.Pass:
		m.say("passed", "%s", e.Why)
		return m.advance()
	case decision.Warn:
		m.Warned = true
		m.say("warned", "%s", e.Why)
		return m.advance()
	case decision.Inconclusive, decision.Fail:
	}
	m.say("unsure", "%s", e.Why)
	last := m.Step == len(m.Plan.Steps)-1
	switch u := m.Plan.Unsure; {
	case e.Requests == 0:
		// Nobody used the new version: that says nothing for it, whoever goes on.
		m.say("no_requests", "the new version had no requests in %d minutes", m.Minutes)
		if u == UnsurePause {
			return m.pause(decision.Inconclusive)
		}
	case u == UnsureGo:
		m.Warned = true
		return m.advance()
	case u == UnsureClimb && !last:
		return m.advance()
	case u == UnsurePause:
		return m.pause(decision.Inconclusive)
	case u == UnsureExtend && m.Extended < m.Plan.Extend:
		more := min(m.At().Bake, m.Plan.Extend-m.Extended)
		m.Extra, m.Extended = m.Extra+more, m.Extended+more
		m.say("extended", "%d minutes more", more)
		return m.later()
	}
	return m.restore(Restored, decision.Inconclusive)
}

// pause leaves everything as it is until somebody says how to go on.
func (m *machine) pause(v decision.Verdict) Command {
	m.closeSegment()
	m.Phase, m.Verdict, m.Tries = Pause, v, 0
	m.Reasons = append(m.Reasons, m.why...)
	return Command{Do: Stop}
}

// advance goes on behind a step that is over.
func (m *machine) advance() Command {
	if m.At().Pause {
		m.say("pause", "it waits behind step %d of %d", m.Step+1, len(m.Plan.Steps))
		return m.pause(m.passed())
	}
	return m.onward()
}

// onward is the next step, or the end behind the last.
func (m *machine) onward() Command {
	if m.Step+1 < len(m.Plan.Steps) {
		m.closeSegment()
		m.Step++
		return m.shift()
	}
	if m.Plan.Still {
		return m.end(Passed, m.passed())
	}
	switch m.Plan.Then {
	case ThenHold:
		m.closeSegment()
		return m.end(Held, m.passed())
	case ThenRestore:
		return m.restore(Restored, m.passed())
	case ThenPromote, "":
	}
	return m.promote()
}

// promote gives the new version everything.
func (m *machine) promote() Command {
	if m.Plan.Still {
		return m.end(Passed, m.passed())
	}
	m.Verdict = m.passed()
	return m.announce(act.Promote, act.Split{Stable: m.Version})
}

// Whole is the stretch that is judged, up to a frontier.
func (s *State) Whole(frontier slo.Minute) slo.Span { return slo.Span{From: s.Since, To: frontier} }
