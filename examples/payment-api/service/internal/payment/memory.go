package payment

import (
	"container/list"
	"net/http"
	"sync"
	"time"
)

// Memory remembers which keys were answered, and how. It is that of one process:
// a service of many would keep it in a table. It is bounded, and forgets the
// oldest first.
type Memory struct {
	most int
	keep time.Duration

	mu   sync.Mutex
	keys map[string]*list.Element
	old  *list.List // of *memo, oldest first
}

// State is what is known of a key.
type State int

// The states of a key.
const (
	Fresh    State = iota // never seen: the caller works, and calls End
	UnderWay              // somebody works on it
	Answered              // answered before
	Differs               // used for something else
)

type memo struct {
	key, digest string
	answer      Answer
	done        bool
	at          time.Time
}

// NewMemory remembers up to so many keys for so long.
func NewMemory(most int, keep time.Duration) *Memory {
	return &Memory{most: most, keep: keep, keys: map[string]*list.Element{}, old: list.New()}
}

// Begin says what is known of a key. After [Fresh] the caller owes an [Memory.End].
func (m *Memory) Begin(key, digest string, now time.Time) (Answer, State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(now)
	if e := m.keys[key]; e != nil {
		switch before, _ := e.Value.(*memo); {
		case before.digest != digest:
			return Answer{}, Differs
		case before.done:
			return before.answer, Answered
		default:
			return Answer{}, UnderWay
		}
	}
	m.keys[key] = m.old.PushBack(&memo{key: key, digest: digest, at: now})
	return Answer{}, Fresh
}

// End keeps the answer; one that the service failed at is forgotten, so that the
// client may try again.
func (m *Memory) End(key string, a Answer, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.keys[key]
	if e == nil {
		return // pushed out by newer ones
	}
	if a.Status >= http.StatusInternalServerError {
		m.drop(e)
		return
	}
	if before, ok := e.Value.(*memo); ok {
		before.answer, before.done, before.at = a, true, now
	}
}

func (m *Memory) forget(now time.Time) {
	for e := m.old.Front(); e != nil; e = m.old.Front() {
		if before, _ := e.Value.(*memo); m.old.Len() < m.most && now.Sub(before.at) < m.keep {
			return
		}
		m.drop(e)
	}
}

func (m *Memory) drop(e *list.Element) {
	if before, ok := m.old.Remove(e).(*memo); ok {
		delete(m.keys, before.key)
	}
}
