package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/sqlitedb"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/sqlite"
)

// The scale of the benchmarks: what a large company has.
const (
	indicators = 10_000
	history    = 32 * slo.Day
)

// now is the frontier of the benchmarks: in the middle of a day and an hour.
var now = slo.MinuteOf(time.Date(2025, 3, 20, 13, 37, 0, 0, time.UTC))

func benchID(i int) timeline.ID { return timeline.ID(fmt.Sprintf("service-%05d/availability", i)) }

// traffic is what indicator i saw in a minute: a day's swing, noise, few errors.
func traffic(i int, m slo.Minute) slo.Count {
	x := uint64(i)*0x9e3779b97f4a7c15 ^ uint64(m)*0xbf58476d1ce4e5b9
	x ^= x >> 31
	x *= 0x94d049bb133111eb
	x ^= x >> 29
	total := slo.Events(900 + int64(m%slo.Day)/8 + int64(x%60))
	bad := slo.Amount(0)
	if x>>20%50 == 0 {
		bad = slo.Events(int64(x >> 40 % 4))
	}
	return slo.Count{Good: total - bad, Total: total}
}

func benchWrite(i int, s slo.Span) timeline.Write {
	w := timeline.Write{ID: benchID(i), Lineage: "3c9909afec25354d551dae21590bb26e38d53f2173b8d3dc3eee4c047e7ab1c1", Span: s}
	for m := s.From; m < s.To; m++ {
		w.Points = append(w.Points, timeline.Point{At: m, Width: 1, Count: traffic(i, m)})
	}
	return w
}

// filledSpans are the stretches that are measured: the days the windows begin
// and end in as a whole, of the others an hour. Windows read the same items as
// if all of it were, and the file is made in seconds.
func filledSpans() []slo.Span {
	whole := map[slo.Minute]bool{}
	for _, l := range append(lookbacks(), 0) {
		whole[(now-l)/slo.Day*slo.Day] = true
	}
	var out []slo.Span
	for day := (now - history) / slo.Day * slo.Day; day < now; day += slo.Day {
		s := slo.Span{From: day, To: min(now, day+slo.Day)}
		if !whole[day] {
			s = slo.Span{From: day + 10*slo.Hour, To: day + 11*slo.Hour}
		}
		out = append(out, s)
	}
	return out
}

// fill measures everything once, as a backfill does.
func fill(b *testing.B, h *timeline.History) {
	b.Helper()
	begin, minutes := time.Now(), int64(0)
	for _, s := range filledSpans() {
		for first := 0; first < indicators; first += 1000 {
			writes := make([]timeline.Write, 0, 1000)
			for i := range 1000 {
				writes = append(writes, benchWrite(first+i, s))
			}
			ch, err := h.Record(b.Context(), now-15, writes)
			if err != nil {
				b.Fatal(err)
			}
			minutes += ch.Filled
		}
	}
	b.Logf("backfill of %d minutes of %d indicators: %v", minutes, indicators, time.Since(begin))
}

// benchDir is a folder for a file that all benchmarks share, because making it
// takes longer than any of them; "" until the first needs it.
var benchDir string

// TestMain removes it.
func TestMain(m *testing.M) {
	code := m.Run()
	if benchDir != "" {
		os.RemoveAll(benchDir)
	}
	os.Exit(code)
}

func benchDB(b *testing.B) (*sqlitedb.DB, *timeline.History) {
	b.Helper()
	if benchDir == "" {
		var err error
		if benchDir, err = os.MkdirTemp("", "nines-bench"); err != nil { //nolint:usetesting // it outlives one benchmark
			b.Fatal(err)
		}
	}
	path := filepath.Join(benchDir, "nines.db")
	_, statErr := os.Stat(path)
	db, err := sqlitedb.Open(b.Context(), path, sqlitedb.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	h := timeline.NewHistory(sqlite.New(db))
	if statErr != nil {
		fill(b, h)
		if info, err := os.Stat(path); err == nil {
			b.Logf("file: %.1f MB", float64(info.Size())/1e6)
		}
	}
	return db, h
}

// lookbacks are the windows a status asks about.
func lookbacks() []slo.Minute {
	return []slo.Minute{30 * slo.Day, 5, 30, 60, 120, 360, slo.Day, 3 * slo.Day}
}

func benchRequests() []timeline.Request {
	var sums []slo.Span
	for _, l := range lookbacks() {
		sums = append(sums, slo.Span{From: now - l, To: now})
	}
	reqs := make([]timeline.Request, indicators)
	for i := range reqs {
		reqs[i] = timeline.Request{ID: benchID(i), Sums: sums, Frontier: now, Step: 1}
	}
	return reqs
}

// BenchmarkOpenCold opens 10,000 indicators' windows and look-backs from the
// file, a new process' worth each time.
func BenchmarkOpenCold(b *testing.B) {
	db, _ := benchDB(b)
	reqs := benchRequests()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var views map[timeline.ID]slo.View
	for b.Loop() {
		again, err := sqlitedb.Open(b.Context(), db.Path(), sqlitedb.Options{})
		if err != nil {
			b.Fatal(err)
		}
		views, err = timeline.NewHistory(sqlite.New(again)).Open(context.Background(), reqs)
		if err != nil {
			b.Fatal(err)
		}
		again.Close()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB-kept")
	if got := views[benchID(0)].Sum(slo.Span{From: now - 30*slo.Day, To: now}); got.Expected != int64(30*slo.Day) || got.Measured < int64(4*slo.Day) {
		b.Fatalf("%+v", got)
	}
}

// BenchmarkSums asks loaded views for the window and seven look-backs each.
func BenchmarkSums(b *testing.B) {
	_, h := benchDB(b)
	reqs := benchRequests()
	views, err := h.Open(b.Context(), reqs)
	if err != nil {
		b.Fatal(err)
	}
	var sum slo.Stretch
	for b.Loop() {
		for i := range reqs {
			v := views[reqs[i].ID]
			for _, s := range reqs[i].Sums {
				sum = v.Sum(s)
			}
		}
	}
	if sum.Expected != int64(3*slo.Day) || sum.Measured < int64(slo.Day) {
		b.Fatalf("%+v", sum)
	}
}

// BenchmarkNaiveSums is what BenchmarkSums would cost if every window were added
// up from its minutes: all indicators share one indicator's, to spare memory.
func BenchmarkNaiveSums(b *testing.B) {
	minutes := make([]slo.Count, 30*slo.Day)
	for i := range minutes {
		minutes[i] = traffic(0, now-slo.Minute(len(minutes)-i))
	}
	var sum slo.Count
	for b.Loop() {
		for range indicators {
			for _, l := range lookbacks() {
				sum = slo.Count{}
				for _, c := range minutes[len(minutes)-int(l):] {
					sum = sum.Add(c)
				}
			}
		}
	}
	if sum.Total == 0 {
		b.Fatal("nothing was added up")
	}
}

// BenchmarkIngestMinute records the newest minute of 10,000 indicators; every
// 60th settles a chunk of all packs.
func BenchmarkIngestMinute(b *testing.B) {
	_, h := benchDB(b)
	at := now
	for b.Loop() {
		b.StopTimer()
		writes := make([]timeline.Write, indicators)
		for i := range writes {
			writes[i] = benchWrite(i, slo.Span{From: at, To: at + 1})
		}
		b.StartTimer()
		if _, err := h.Record(b.Context(), at-15, writes); err != nil {
			b.Fatal(err)
		}
		at++
	}
}
