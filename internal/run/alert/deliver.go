package alert

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/run"
)

const (
	// Limit is how many letters a target gets in LimitWindow unless said.
	Limit = 20
	// LimitWindow is the stretch that Limit is for.
	LimitWindow = 10 * time.Minute
	// GiveUp is how old a letter becomes that cannot be told; then it is recorded
	// as such, and dropped.
	GiveUp = 24 * time.Hour
	// lease is how long whoever claimed a letter has for it.
	lease = 2 * time.Minute
	// batch is how many letters are claimed at once, so that few are unsure after a
	// kill.
	batch = 10
	// letterTime is how long one letter may take, leastTime how much time must be
	// left to begin with one.
	letterTime = 10 * time.Second
	leastTime  = time.Second
	// longestPause is how long a failing target is left alone at most.
	longestPause = 15 * time.Minute
)

// delivery is one round of telling.
type delivery struct {
	env    *run.Env
	opt    *Options
	routes *Routes
	rep    *Report
	open   map[string]notify.Target
}

// run claims letters, sends them and records what came of it, until none is left
// that is due.
func (d *delivery) run(ctx context.Context) error {
	for {
		if d.opt.Left != nil && d.opt.Left() < leastTime {
			return d.waiting(ctx)
		}
		claimed, err := d.claim(ctx)
		if err != nil || len(claimed) == 0 {
			return err
		}
		for i := range claimed {
			d.send(ctx, &claimed[i])
		}
		// Also if the caller gave up meanwhile: what was sent must be known as sent.
		if err := d.settle(context.WithoutCancel(ctx), claimed); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return fault.Wrap(fault.Canceled, "tell alerts", ctx.Err(), "")
		}
	}
}

// claim takes letters that are due, so that nobody else sends them.
func (d *delivery) claim(ctx context.Context) (claimed []Letter, err error) {
	now := d.opt.Now()
	err = update(ctx, d.env.History, func(m *Memory) (bool, error) {
		claimed, d.rep.Waiting = nil, 0
		order := make([]int, len(m.Letters))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return byUrgency(&m.Letters[a], &m.Letters[b]) })
		taken := map[string]int{}
		for _, i := range order {
			l := &m.Letters[i]
			room := l.Target == "" || d.sent(m, l.Target, now)+taken[l.Target] < d.limit()
			if len(claimed) == d.batch() || !room || l.Due.After(now) || l.Claimed.After(now) || ahead(m, i) {
				d.rep.Waiting++
				continue
			}
			l.Unsure = l.Unsure || !l.Claimed.IsZero()
			l.Claimed, l.By = now.Add(lease), d.opt.By
			taken[l.Target]++
			claimed = append(claimed, *l)
		}
		return len(claimed) > 0, nil
	})
	return claimed, err
}

// batch is how many letters are claimed at once: one where time is short, so that
// none is left claimed.
func (d *delivery) batch() int {
	if d.opt.Left != nil {
		return 1
	}
	return batch
}

// waiting counts what there is no time for.
func (d *delivery) waiting(ctx context.Context) error {
	m, err := load(ctx, d.env.History)
	if err == nil {
		d.rep.Waiting = len(m.Letters)
	}
	return err
}

func (d *delivery) limit() int {
	if d.opt.Limit > 0 {
		return d.opt.Limit
	}
	return Limit
}

// sent is how many letters a target got lately.
func (*delivery) sent(m *Memory, target string, now time.Time) int {
	n := 0
	for _, at := range m.Sent[target] {
		if now.Sub(at) < LimitWindow {
			n++
		}
	}
	return n
}

// send sends one letter; its Error says what went wrong.
func (d *delivery) send(ctx context.Context, l *Letter) {
	l.Tries++
	patience := letterTime
	if d.opt.Left != nil {
		patience = min(patience, d.opt.Left())
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := d.try(ctx, l)
	// Who gave no answer in time may have been told all the same.
	l.Unsure = l.Unsure || l.Target != "" && timedOut(ctx, err)
	l.Error, l.patience = "", notify.RetryAfter(err)
	if err != nil {
		l.Error = err.Error()
	}
}

func timedOut(ctx context.Context, err error) bool {
	late, ok := errors.AsType[net.Error](err)
	return err != nil && (ctx.Err() != nil || ok && late.Timeout())
}

func (d *delivery) try(ctx context.Context, l *Letter) error {
	if l.Target == "" {
		return d.record(ctx, l)
	}
	to, ok := d.routes.Where[l.Target]
	if !ok {
		return fault.New(fault.NotFound, "tell "+l.Target, "the documents have no such target any more", "")
	}
	if d.open == nil {
		d.open = map[string]notify.Target{}
	}
	t := d.open[l.Target]
	if t == nil {
		var err error
		if t, err = d.opt.Open(ctx, l.Target, to.Address); err != nil {
			return err
		}
		d.open[l.Target] = t
	}
	m := message(ctx, d.env, l, d.opt.Now())
	if d.opt.Chart && (d.opt.Left == nil || d.opt.Left() > chartTime) {
		picture(ctx, d.env, l, to.Address.Kind, &m)
	}
	return t.Send(ctx, m) //nolint:wrapcheck // says all there is to say
}

// record puts an event into the ledger; its key keeps it from being there twice.
func (d *delivery) record(ctx context.Context, l *Letter) error {
	if d.env.Ledger == nil {
		return nil
	}
	body, err := json.Marshal(l.Event)
	if err != nil {
		return fault.Wrap(fault.Internal, "record alert", err, "")
	}
	_, err = d.env.Ledger.Append(ctx, ledger.Draft{
		At: l.Made, Kind: ledger.KindAlert, Subject: l.Event.Objective, Actor: d.env.Actor, Body: body, Key: "alert/" + l.Event.Key(),
	})
	return err //nolint:wrapcheck // says all there is to say
}

// settle keeps what came of letters.
func (d *delivery) settle(ctx context.Context, done []Letter) error {
	now := d.opt.Now()
	var gone []Letter
	err := update(ctx, d.env.History, func(m *Memory) (bool, error) {
		gone = gone[:0]
		for i := range done {
			l := &done[i]
			at := slices.IndexFunc(m.Letters, func(have Letter) bool { return have.key() == l.key() })
			if at < 0 {
				continue // whoever took it over after the lease has settled it
			}
			switch {
			case l.Error == "" && l.Target != "":
				m.sent(l.Target, now)
				fallthrough
			case l.Error == "", l.dead(now):
				gone = append(gone, *l)
				m.Letters = slices.Delete(m.Letters, at, at+1)
			default:
				keep := &m.Letters[at]
				keep.Tries, keep.Error, keep.Unsure, keep.Claimed, keep.By = l.Tries, l.Error, l.Unsure, time.Time{}, ""
				keep.Due = now.Add(max(pause(l.Tries), l.patience))
			}
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	for i := range done {
		d.count(&done[i], now)
	}
	for i := range gone {
		d.notice(ctx, &gone[i])
	}
	return nil
}

// dead says whether a letter that failed is given up. Records are not.
func (l *Letter) dead(now time.Time) bool { return l.Target != "" && now.Sub(l.Made) >= GiveUp }

// sent notes that a target was told.
func (m *Memory) sent(target string, now time.Time) {
	if m.Sent == nil {
		m.Sent = map[string][]time.Time{}
	}
	for name, at := range m.Sent {
		if at = slices.DeleteFunc(at, func(t time.Time) bool { return now.Sub(t) >= LimitWindow }); len(at) == 0 {
			delete(m.Sent, name)
		} else {
			m.Sent[name] = at
		}
	}
	m.Sent[target] = append(m.Sent[target], now)
}

// pause is how long a target is left alone after some failures.
func pause(tries int) time.Duration {
	return min(longestPause, time.Minute<<min(max(0, tries-1), 8))
}

// count adds to the report.
func (d *delivery) count(l *Letter, now time.Time) {
	switch {
	case l.Target == "" && l.Error == "":
	case l.Error == "":
		d.rep.Told = append(d.rep.Told, *l)
	case l.dead(now):
		d.rep.Dead = append(d.rep.Dead, *l)
	default:
		d.rep.Failed = append(d.rep.Failed, *l)
	}
}

// notice is the body of an entry: somebody was told of an alert, or could not be
// and nobody tries any more.
type notice struct {
	Event    notify.Event `json:"event"`
	Kind     string       `json:"kind"`
	To       string       `json:"to"`
	Key      string       `json:"key"`
	Incident string       `json:"incident"`
	Tries    int          `json:"tries"`
	Unsure   bool         `json:"perhaps_twice,omitempty"`
	Dead     bool         `json:"dead,omitempty"`
	Error    string       `json:"error,omitempty"`
}

// notice records what came of a letter. The ledger being out of reach is no
// reason to tell it again.
func (d *delivery) notice(ctx context.Context, l *Letter) {
	if l.Target == "" || d.env.Ledger == nil {
		return
	}
	body, err := json.Marshal(notice{
		Event: notify.Alerting, Kind: string(l.Event.Kind), To: l.Target, Key: l.Event.Key(), Incident: l.Event.Incident,
		Tries: l.Tries, Unsure: l.Unsure, Dead: l.Error != "", Error: l.Error,
	})
	if err != nil {
		return
	}
	draft := ledger.Draft{
		At: d.opt.Now(), Kind: ledger.KindNotice, Subject: l.Event.Objective, Actor: d.env.Actor, Body: body, Key: "told/" + l.key(),
	}
	if _, err = d.env.Ledger.Append(ctx, draft); err != nil && d.env.Spool != nil {
		err = d.env.Spool.Put(ctx, draft)
	}
	if err != nil && d.env.Log != nil {
		d.env.Log.LogAttrs(ctx, slog.LevelWarn, "it is not recorded that a target was told", slog.String("target", l.Target), slog.String("error", err.Error()))
	}
}
