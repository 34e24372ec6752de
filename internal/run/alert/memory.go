package alert

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// noteName is where the memory is kept beside the history.
const noteName = "alerts"

// Memory is everything that is known of alerts between two runs.
type Memory struct {
	State alert.State `json:"state"`
	// Letters are what is to be told or recorded, oldest first.
	Letters []Letter `json:"letters,omitempty"`
	// Sent is when targets were told lately, for the limit.
	Sent map[string][]time.Time `json:"sent,omitempty"`

	version int64
}

// Letter is one event for one target. The target "" is the ledger.
type Letter struct {
	Event  alert.Event `json:"event"`
	Target string      `json:"target"`
	// Due is when it may be sent, Tries how often it was tried, Error what went
	// wrong the last time.
	Made  time.Time `json:"made"`
	Due   time.Time `json:"due"`
	Tries int       `json:"tries,omitempty"`
	Error string    `json:"error,omitempty"`
	// Claimed is until when somebody, By, is sending it. One that is claimed and
	// past that was perhaps sent: Unsure.
	Claimed time.Time `json:"claimed,omitzero"`
	By      string    `json:"by,omitempty"`
	Unsure  bool      `json:"unsure,omitempty"`

	patience time.Duration // that the target asked for when it failed
}

// key is the same for the same letter wherever it is written.
func (l *Letter) key() string { return l.Event.Key() + " " + l.Target }

// load reads the memory.
func load(ctx context.Context, h *timeline.History) (*Memory, error) {
	n, err := h.Note(ctx, noteName)
	if err != nil {
		return nil, fault.Wrap(fault.KindOf(err), "read alerts", err, "")
	}
	m := &Memory{version: n.Version}
	if n.Version == 0 || len(n.Data) == 0 {
		return m, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(n.Data))
	if err != nil {
		return nil, damaged(err)
	}
	// What a store holds is at most some hundred kilobytes; a bomb is none of ours.
	data, err := io.ReadAll(io.LimitReader(r, 256<<20))
	if err != nil {
		return nil, damaged(err)
	}
	if err := json.Unmarshal(data, m); err != nil {
		return nil, damaged(err)
	}
	return m, nil
}

func damaged(err error) error {
	return fault.Wrap(fault.Corrupt, "read alerts", err, "restore a copy of the store")
}

// save writes the memory if nobody did since it was read; else Conflict.
func (m *Memory) save(ctx context.Context, h *timeline.History) error {
	data, err := json.Marshal(m)
	if err != nil {
		return fault.Wrap(fault.Internal, "keep alerts", err, "")
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		return fault.Wrap(fault.Internal, "keep alerts", err, "")
	}
	if err := w.Close(); err != nil {
		return fault.Wrap(fault.Internal, "keep alerts", err, "")
	}
	if err := h.Keep(ctx, timeline.Note{Name: noteName, Version: m.version, Data: b.Bytes()}); err != nil {
		return fault.Wrap(fault.KindOf(err), "keep alerts", err, "")
	}
	m.version++
	return nil
}

// attempts bounds how often a change is tried against others who change.
const attempts = 8

// update changes the memory: change is called again on what others left when
// they were first. It says whether there is anything to keep.
func update(ctx context.Context, h *timeline.History, change func(*Memory) (bool, error)) error {
	for n := 0; ; n++ {
		m, err := load(ctx, h)
		if err != nil {
			return err
		}
		keep, err := change(m)
		if err != nil || !keep {
			return err
		}
		err = m.save(ctx, h)
		if err == nil || fault.KindOf(err) != fault.Conflict || n == attempts {
			return err
		}
	}
}

// add queues the letters of an event: one for the ledger, one for each target.
func (m *Memory) add(e alert.Event, now time.Time, due func(target string) time.Time) {
	for _, target := range slices.Concat([]string{""}, e.Targets) {
		l := Letter{Event: e, Target: target, Made: now, Due: now}
		if target != "" {
			l.Due = due(target)
		}
		if !slices.ContainsFunc(m.Letters, func(have Letter) bool { return have.key() == l.key() }) {
			m.Letters = append(m.Letters, l)
		}
	}
}
