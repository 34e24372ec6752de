package measure_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
	store "gitlab.com/nines-sre/nines/internal/timeline/memory"
)

// mortal is a store that ends after some operations: from then on everything
// fails, as for a process that was killed.
type mortal struct {
	timeline.Store
	left   int
	cancel context.CancelFunc // instead of failing, if set
}

func (m *mortal) live() error {
	if m.left--; m.left >= 0 {
		return nil
	}
	if m.cancel != nil {
		m.cancel()
		return nil
	}
	return fault.New(fault.Unavailable, "store", "killed", "")
}

func (m *mortal) Load(ctx context.Context, keys []timeline.Key) ([]timeline.Item, error) {
	if err := m.live(); err != nil {
		return nil, err
	}
	return m.Store.Load(ctx, keys)
}

func (m *mortal) Save(ctx context.Context, items []timeline.Item) error {
	if err := m.live(); err != nil {
		return err
	}
	return m.Store.Save(ctx, items)
}

// shop is a world with every kind of indicator, holes, a coarse series, and
// time slices. The good series has nothing new: it is known from old times.
func shop(seed uint64, now slo.Minute) *world {
	w := newWorld(now)
	random := rand.New(rand.NewPCG(seed, 1))
	total := make([]slo.Amount, 3*int(slo.Day))
	good := make([]slo.Amount, len(total))
	for i := range total {
		total[i] = slo.Events(random.Int64N(20))
		good[i] = min(total[i], slo.Events(random.Int64N(40)))
	}
	w.src.Line("total", t0, 1, total...)
	w.src.Line("good", t0, 1, good...)
	w.src.Line("ms", t0, 5, good[:len(good)/6]...)
	for range 40 {
		from := t0 + slo.Minute(random.Int64N(int64(3*slo.Day)))
		w.src.Drop("good", slo.Span{From: from, To: from + slo.Minute(random.Int64N(30))})
	}
	w.indicator("ratio", slo.Ratio{Good: query("good"), Total: query("total")}, slo.MissingZero)
	w.indicator("bad", slo.Ratio{Bad: query("good"), Total: query("total")}, slo.MissingZero)
	w.indicator("ms", slo.Threshold{Metric: query("ms"), Op: slo.LessOrEqual, Bound: slo.MustDecimal("7")}, slo.MissingUnmeasured)
	o := w.objective("slices", "ratio")
	o.Budgeting, o.Slice, o.SliceTarget = slo.Timeslices, 7, slo.MustDecimal("0.8")
	o = w.objective("ratios", "ms")
	o.Budgeting, o.Slice = slo.RatioTimeslices, 10
	return w
}

// everything prints all that is kept.
func (w *world) everything(t *testing.T) string {
	t.Helper()
	var out []string
	all := slo.Span{From: t0 - 60*slo.Day, To: t0 + 10*slo.Day}
	for i := range w.env.Catalog.Objectives {
		o := &w.env.Catalog.Objectives[i].Objective
		for _, id := range []timeline.ID{timeline.ID(o.Indicator), measure.SliceID(o)} {
			out = append(out, string(id)+": "+w.history(t, id, all))
		}
	}
	return strings.Join(out, "\n")
}

// TestKilledAnywhere ends runs at random points, some of them several times,
// some while the data still change, and compares with a run nobody disturbed.
func TestKilledAnywhere(t *testing.T) {
	first, second := t0+2*slo.Day+slo.Hour, t0+2*slo.Day+slo.Hour+9
	calm := shop(7, first)
	calm.run(t, measure.Options{})
	calm.at(second).run(t, measure.Options{})
	want := calm.everything(t)
	random := rand.New(rand.NewPCG(8, 9))
	kills := 0
	for round := range 12 {
		w := shop(7, first)
		items := store.New()
		w.env.History = timeline.NewHistory(items)
		for range 1 + random.IntN(3) {
			ctx, cancel := context.WithCancel(t.Context())
			dying := &mortal{Store: items, left: random.IntN(60)}
			asks := random.IntN(12)
			switch random.IntN(3) {
			case 0:
				dying.cancel = cancel
			case 1: // the source goes first
				dying.left = 1 << 30
				w.src.Fail(func(metric.Request) error {
					if asks--; asks < 0 {
						return fault.New(fault.Unavailable, "fetch", "gone", "")
					}
					return nil
				})
			}
			w.env.History = timeline.NewHistory(dying)
			if _, err := measure.Run(ctx, w.env, measure.Options{TailOnly: random.IntN(2) == 0}); err != nil {
				kills++
			}
			w.src.Fail(nil)
			cancel()
		}
		w.env.History = timeline.NewHistory(items)
		w.run(t, measure.Options{})
		w.at(second).run(t, measure.Options{})
		if got := w.everything(t); got != want {
			t.Fatalf("round %d differs:\n%s", round, firstDifference(got, want))
		}
	}
	if kills < 8 {
		t.Errorf("only %d runs were cut off; the test looks at nothing", kills)
	}
}

// TestKilledBetweenMinutesAndSlices ends runs just when better answers came in
// for minutes whose slices are judged already, and goes on long after they
// have settled.
func TestKilledBetweenMinutesAndSlices(t *testing.T) {
	for left := range 25 {
		if left%3 != 0 && os.Getenv("NINES_FULL") == "" {
			continue
		}
		w := shop(7, t0+2*slo.Day)
		items := store.New()
		w.env.History = timeline.NewHistory(items)
		w.run(t, measure.Options{})
		w.src.Line("total", t0+2*slo.Day-10, 1, events(1000, 1000, 1000, 1000)...)
		w.at(t0 + 2*slo.Day + 2)
		w.env.History = timeline.NewHistory(&mortal{Store: items, left: left})
		_, _ = measure.Run(t.Context(), w.env, measure.Options{}) // killed, mostly
		w.env.History = timeline.NewHistory(items)
		w.at(t0+2*slo.Day+5*slo.Hour).run(t, measure.Options{})
		// The same minutes, judged afresh: by a target so little lower that no
		// ratio of these counts lies between, yet under another name.
		o := &w.env.Catalog.Objectives[3].Objective
		all := slo.Span{From: t0, To: t0 + 3*slo.Day}
		kept := w.history(t, measure.SliceID(o), all)
		o.SliceTarget = slo.MustDecimal("0.799999999")
		w.run(t, measure.Options{})
		if fresh := w.history(t, measure.SliceID(o), all); fresh != kept {
			t.Fatalf("killed after %d operations, slices do not follow from their minutes: %s", left, firstDifference(kept, fresh))
		}
	}
}

func firstDifference(a, b string) string {
	as, bs := strings.Fields(a), strings.Fields(b)
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return fmt.Sprintf("word %d: %s, want %s", i, strings.Join(as[max(0, i-2):i+3], " "), strings.Join(bs[max(0, i-2):i+3], " "))
		}
	}
	return fmt.Sprintf("%d words, want %d", len(as), len(bs))
}
