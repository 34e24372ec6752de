package alert_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/run"
	runalert "gitlab.com/nines-sre/nines/internal/run/alert"
	"gitlab.com/nines-sre/nines/internal/run/runtest"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/memory"
)

// t0 is a Friday midnight.
const t0 = 20119 * slo.Day

// hook is a target that does what a test says, and keeps what arrives. It is safe
// for concurrent use.
type hook struct {
	mu   sync.Mutex
	got  []notify.Message
	does func() deed
}

// deed is what becomes of a letter on its way.
type deed uint8

const (
	arrives deed = iota
	refused
	killedBefore // the program ends before anything was sent
	killedAfter  // it was sent, and the program ends
)

func (h *hook) Send(_ context.Context, m notify.Message) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	what := arrives
	if h.does != nil {
		what = h.does()
	}
	switch what {
	case refused:
		return fault.New(fault.Unavailable, "tell", "the target is down", "")
	case killedBefore:
		runtime.Goexit()
	case arrives, killedAfter:
		h.got = append(h.got, m)
		if what == killedAfter {
			runtime.Goexit()
		}
	}
	return nil
}

func (h *hook) titles() (out []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.got {
		out = append(out, word(&m))
	}
	return out
}

// world is a service with a page and a ticket, and two who are told.
type world struct {
	env   run.Env
	log   *runtest.Ledger
	hooks map[string]*hook
	limit int
	chart bool
}

func newWorld(t testing.TB) *world { return newWorldIn(t, memory.New()) }

// newWorldIn is newWorld on a store that is empty.
func newWorldIn(t testing.TB, store timeline.Store) *world {
	o := slo.Objective{
		Service: "pay", SLO: "avail", Name: "99.9%", Target: slo.MustDecimal("0.999"),
		Window: slo.Rolling{Length: slo.Day}, Indicator: "pay.avail", MaxAge: 10,
		Conditions: []slo.Condition{
			{Name: "page-fast", Long: slo.Hour, Short: 5, Threshold: slo.MustDecimal("14.4")},
			{Name: "page-slow", Long: 2 * slo.Hour, Short: 10, Threshold: slo.MustDecimal("6")},
			{Name: "ticket", Severity: slo.Ticket, Long: slo.Day, Short: 2 * slo.Hour, Threshold: slo.MustDecimal("1.5")},
		},
	}
	w := &world{log: &runtest.Ledger{}, hooks: map[string]*hook{"webhook:$PAGER": {}, "webhook:$QUEUE": {}}}
	w.env = run.Env{
		Catalog: &config.Catalog{
			Objectives: []config.Objective{{Objective: o}},
			Indicators: []config.Indicator{{ID: "pay.avail", Lineage: "v1"}},
			Settings:   config.Settings{Alerts: config.Alerts{Page: []string{"webhook:$PAGER"}, Ticket: []string{"webhook:$QUEUE"}, Hold: 5}},
		},
		History: timeline.NewHistory(store), Ledger: w.log, Now: t0.Time(), Actor: "test",
	}
	w.record(t, t0-slo.Day, t0, 0)
	return w
}

// record measures minutes of 1000 requests, of which some are bad.
func (w *world) record(t testing.TB, from, to slo.Minute, bad int64) {
	write := timeline.Write{ID: "pay.avail", Lineage: "v1", Span: slo.Span{From: from, To: to}}
	for m := from; m < to; m++ {
		write.Points = append(write.Points, timeline.Point{At: m, Width: 1, Count: slo.Count{Good: slo.Events(1000 - bad), Total: slo.Events(1000)}})
	}
	if _, err := w.env.History.Record(t.Context(), 0, []timeline.Write{write}); err != nil {
		t.Fatal(err)
	}
}

// tick is one run of one program at the end of a minute; the program may end in
// the middle of it.
func (w *world) tick(t testing.TB, now slo.Minute, by string) (rep runalert.Report) {
	env := w.env
	env.Now = now.Time()
	done := make(chan struct{})
	var err error
	go func() {
		defer close(done)
		var entries []status.Entry
		if entries, err = status.Read(t.Context(), &env, status.Options{}); err != nil {
			return
		}
		rep, err = runalert.Run(t.Context(), &env, runalert.Options{
			Entries: entries, By: by, Limit: w.limit, Chart: w.chart,
			Open: func(_ context.Context, name string, _ notify.Address) (notify.Target, error) {
				return w.hooks[name], nil
			},
		})
	}()
	<-done
	if err != nil {
		t.Fatalf("run at %v: %v", env.Now, err)
	}
	return rep
}

// told are the titles that arrived at the pager.
func (w *world) told() string { return strings.Join(w.hooks["webhook:$PAGER"].titles(), "; ") }

const (
	opens = "page firing"
	ends  = "page resolved"
)

// word is what a message says, without numbers.
func word(m *notify.Message) string { return m.Alert.Severity + " " + string(m.Alert.Status) }
