package lambdatest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// subscriber is somebody whom telemetry is delivered to.
type subscriber struct {
	name, to, schema   string
	types              []string
	maxItems, maxBytes int
	wait               time.Duration // how long the first of a batch may lie
	cancel             context.CancelFunc

	mu      sync.Mutex
	changed chan struct{} // closed at every change of what follows
	queue   []json.RawMessage
	since   time.Time // when the first of the queue came
	bytes   int
	posting int  // of those on their way
	hurry   bool // deliver now
	dropped int
	lost    int // the bytes of those
	ended   bool
}

// kept is how many full buffers wait for a subscriber that does not answer.
const kept = 8

// add queues an event, as the subscriber's schema has it.
func (s *subscriber) add(e event, jsonLogs bool) {
	class, _, _ := strings.Cut(e.kind, ".")
	if !slices.Contains(s.types, class) {
		return
	}
	body := encode(e, jsonLogs && s.schema != schemas()[0])
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes+len(body) > kept*s.maxBytes {
		s.dropped, s.lost = s.dropped+1, s.lost+len(body)
		return
	}
	if len(s.queue) == 0 {
		s.since = time.Now()
	}
	s.queue, s.bytes = append(s.queue, body), s.bytes+len(body)
	s.change()
}

// encode makes an event of the API. Lines of a function that logs JSON are
// objects, but in the first schema. (Developer guide, "Lambda Telemetry API Event
// schema reference", function.)
func encode(e event, objects bool) json.RawMessage {
	record := e.record
	if line, ok := record.(string); ok && objects && e.kind == "function" && isObject(line) {
		record = json.RawMessage(line)
	}
	body, err := json.Marshal(struct {
		Time   string `json:"time"`
		Type   string `json:"type"`
		Record any    `json:"record"`
	}{e.at, e.kind, record})
	if err != nil { // no record of ours
		return json.RawMessage("null")
	}
	return body
}

func isObject(line string) bool {
	return strings.HasPrefix(strings.TrimSpace(line), "{") && json.Valid([]byte(line))
}

func (s *subscriber) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// run delivers batches until the environment ends.
func (s *subscriber) run(ctx context.Context) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended = true
		s.change()
	}()
	for {
		batch, size := s.next(ctx)
		if batch == nil {
			return
		}
		for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
			if s.post(ctx, batch) == nil {
				break
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return
			}
		}
		s.mu.Lock()
		s.posting, s.bytes = 0, s.bytes-size
		s.change()
		s.mu.Unlock()
	}
}

// next waits for a batch: a full one, one that lay long enough, or what there is
// when it must hurry. nil: there will be none.
func (s *subscriber) next(ctx context.Context) (batch []json.RawMessage, size int) {
	for {
		s.mu.Lock()
		due := s.wait - time.Since(s.since)
		full := len(s.queue) >= s.maxItems || s.bytes >= s.maxBytes
		if len(s.queue) > 0 && (due <= 0 || full || s.hurry) {
			defer s.mu.Unlock()
			return s.cut()
		}
		if len(s.queue) == 0 {
			due = time.Hour
		}
		changed := s.changed
		s.mu.Unlock()
		timer := time.NewTimer(due)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil, 0
		}
	}
}

// cut takes a batch from the queue; the lock is held.
func (s *subscriber) cut() (batch []json.RawMessage, size int) {
	n := 0
	for n < len(s.queue) && n < s.maxItems && size < s.maxBytes {
		size += len(s.queue[n])
		n++
	}
	batch = slices.Clone(s.queue[:n])
	s.queue, s.since, s.posting = s.queue[n:], time.Now(), n
	if s.dropped > 0 {
		batch = append(batch, encode(event{at: time.Now().UTC().Format(stamp), kind: "platform.logsDropped", record: map[string]any{
			"droppedRecords": s.dropped, "droppedBytes": s.lost,
			"reason": "Consumer seems to have fallen behind as it has not acknowledged receipt of logs.",
		}}, false))
		s.dropped, s.lost = 0, 0
	}
	return batch, size
}

var errRefused = errors.New("the subscriber refused a batch")

func (s *subscriber) post(ctx context.Context, batch []json.RawMessage) error {
	body, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // the machine's proxy has no part in it
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	if err = errors.Join(err, res.Body.Close()); err == nil && res.StatusCode/100 != 2 {
		err = errRefused
	}
	return err
}

// flush waits until everything so far is delivered.
func (s *subscriber) flush(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hurry = true
	s.change()
	for !s.ended && (len(s.queue) > 0 || s.posting > 0) {
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		s.mu.Lock()
		if ctx.Err() != nil {
			return
		}
	}
}
