package rollout

import (
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// trouble decides what follows when a command could not be done.
func (m *machine) trouble(e Trouble) Command {
	m.say("trouble", "%s", e.Text)
	switch e.Do {
	case Make:
		if again(e.Kind) {
			return m.again(Make, triesMake, m.abandon)
		}
		return m.abandon()
	case Apply:
		return m.notApplied(e)
	case Read:
		return m.unread(e)
	case Look, Stop:
	}
	return m.later()
}

// again says whether trying again may help. What is not known to be somebody
// else's fault may be a lost answer.
func again(k fault.Kind) bool { return k.Retry() || k == fault.Internal || k == fault.Canceled }

// abandon ends a rollout that moved nothing.
func (m *machine) abandon() Command { return m.end(Abandoned, decision.Inconclusive) }

// unread is a target that could not be read.
func (m *machine) unread(e Trouble) Command {
	switch m.Phase {
	case Begin, Publish:
		if again(e.Kind) {
			return m.again(Read, triesRead, m.abandon)
		}
		return m.abandon()
	case Bake:
		// The look itself reads the target and minds how long nothing is known.
		return m.later()
	case Pause, End:
		return Command{Do: Stop}
	case Intent:
	}
	if !again(e.Kind) {
		return m.giveUp()
	}
	return m.again(Read, triesRestore, m.giveUp)
}

// notApplied is an action that failed. What may have been done all the same is
// read; what was refused is not tried again.
func (m *machine) notApplied(e Trouble) Command {
	if m.Action.Verb.Back() {
		if !again(e.Kind) {
			return m.giveUp()
		}
		return m.again(Read, triesRestore, m.giveUp)
	}
	if !again(e.Kind) || m.Tries >= triesShift {
		return m.restore(Abandoned, decision.Inconclusive)
	}
	return m.again(Read, triesShift, m.giveUp)
}

// giveUp ends this process, not the rollout: the action stays announced, and how
// to put everything back stays recorded, for whoever comes next.
func (m *machine) giveUp() Command {
	if m.Action != nil && !m.Action.Verb.Back() {
		return m.restore(Abandoned, decision.Inconclusive)
	}
	m.say("stuck", "the target could not be put back; it may be %s, and is to be %s", m.Now.Split, m.Base.Stable)
	return Command{Do: Stop}
}

// interrupted puts everything back before the process ends.
func (m *machine) interrupted() Command {
	switch m.Phase {
	case Begin, Publish:
		m.say("interrupted", "interrupted before anything was moved")
		return m.abandon()
	case Pause, End:
		return Command{Do: Stop}
	case Intent:
		if m.Action.Verb.Back() {
			return Command{Do: Read}
		}
	case Bake:
	}
	m.say("interrupted", "interrupted in step %d of %d", m.Step+1, len(m.Plan.Steps))
	return m.restore(Abandoned, decision.Inconclusive)
}

// told follows an order.
func (m *machine) told(e Told) Command {
	switch m.Phase {
	case Bake, Pause:
	case Intent:
		if e.Order != Back || m.Action.Verb.Back() {
			return Command{Do: Read} // first what is announced
		}
	case Begin, Publish, End:
		return Command{Do: Stop}
	}
	m.say(string(e.Order), "%s", e.Reason)
	switch e.Order {
	case Back:
		return m.restore(Restored, decision.Pass)
	case Forward:
		return m.promote()
	case Go:
		if m.Phase == Pause {
			return m.onward()
		}
	}
	return Command{Do: Look}
}
