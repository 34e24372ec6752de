package cloudwatchd_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

var eu = store.Place{Account: cloudwatchd.DefaultAccount, Region: "eu-west-1"}

// emfLine is a line as a service writes it.
func emfLine(at time.Time, latency string) string {
	return fmt.Sprintf(`{"_aws":{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":"shop","Dimensions":[["Service"],["Service","Route"]],"Metrics":[{"Name":"latency","Unit":"Milliseconds"}]}]},"Service":"pay","Route":"/charge","latency":%s,"note":"x"}`, at.UnixMilli(), latency)
}

func TestMetricLinesOverHTTP(t *testing.T) {
	b := start(t)
	at := noon.Add(-3 * time.Minute)
	body := strings.Join([]string{
		emfLine(at, "120"), "plain text of a log", `{"level":"info"}`, "",
		emfLine(at, "[300, 301, 40]"),
		emfLine(at, `"fast"`),
		emfLine(noon.Add(-15*24*time.Hour), "1"),
		`{"_aws":`,
		emfLine(at, `{"Values":[5],"Counts":[2]}`),
	}, "\n")
	var report cloudwatchd.EMFReport
	if status := b.json("POST", "/emf?region=eu-west-1", body, &report); status != 200 {
		t.Fatalf("status %d", status)
	}
	if report.Lines != 9 || report.Data != 6 || report.Ignored != 3 || report.Bad != 3 || len(report.First) != 3 || report.First[0].Line != 6 {
		t.Errorf("%+v", report)
	}
	out := b.get(window(at, noon, ask("n", "latency", "SampleCount", 60, dim("Service", "pay")), ask("good", "latency", "TC(:300)", 60, dim("Route", "/charge"), dim("Service", "pay"))))
	if n, good := out.MetricDataResults[0].Values[0], out.MetricDataResults[1].Values[0]; n != 6 || good != 5 {
		t.Errorf("%v samples, %v good", n, good)
	}
	if total := b.server.EMFTotals(); total.Lines != 9 || total.Bad != 3 {
		t.Errorf("totals %+v", total)
	}
}

// A stream that pauses is stored at the pause, not at its end; a line of two
// megabytes is skipped, what follows it is read.
func TestMetricLinesFromAStream(t *testing.T) {
	b := start(t)
	at := noon.Add(-time.Minute)
	r, w := io.Pipe()
	done := make(chan cloudwatchd.EMFReport)
	go func() {
		report, err := b.server.ReadEMF(t.Context(), eu, r)
		if err != nil {
			t.Error(err)
		}
		done <- report
	}()
	samples := func() float64 {
		r := b.get(window(at, noon, ask("n", "latency", "SampleCount", 60, dim("Service", "pay")))).MetricDataResults[0]
		if len(r.Values) == 0 {
			return 0
		}
		return r.Values[0]
	}
	write := func(text string) {
		if _, err := io.WriteString(w, text); err != nil {
			t.Error(err)
		}
	}
	write(emfLine(at, "1") + "\n")
	await(t, func() bool { return samples() == 1 })
	await(t, func() bool { return b.server.EMFTotals().Data == 2 }) // it is counted before the stream ends
	write(strings.Repeat("x", 2<<20) + "\n")
	write(emfLine(at, "2") + "\n")
	write(emfLine(at, "3")) // the last line has no end
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if report := <-done; report.Lines != 4 || report.Bad != 1 || report.Data != 6 || samples() != 3 {
		t.Errorf("%+v, %v samples", report, samples())
	}
}

func await(t *testing.T, ok func() bool) {
	t.Helper()
	for range 500 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it did not come about within five seconds")
}

// A file is followed before it exists, through half-written lines, truncation
// and replacement, and no line is read twice.
func TestMetricLinesFromAFile(t *testing.T) {
	b := start(t)
	at := noon.Add(-time.Minute)
	path := filepath.Join(t.TempDir(), "service.log")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.server.TailEMF(ctx, eu, path, false, time.Millisecond) }()
	lines := func(n int) { t.Helper(); await(t, func() bool { return b.server.EMFTotals().Data == 2*n }) }
	write := func(flag int, text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|flag, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil || f.Close() != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(5 * time.Millisecond)
	write(os.O_APPEND, emfLine(at, "1")+"\n"+emfLine(at, "2")[:40])
	lines(1)
	write(os.O_APPEND, emfLine(at, "2")[40:]+"\n")
	lines(2)
	write(os.O_TRUNC, emfLine(at, "3")+"\n")
	lines(3)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write(os.O_APPEND, emfLine(at, "4")+"\n"+emfLine(at, "5")+"\n")
	lines(5)
	time.Sleep(20 * time.Millisecond)
	write(os.O_APPEND, emfLine(at, "6")+"\n") // what was written when it is stopped is read
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if total := b.server.EMFTotals(); total.Lines != 6 || total.Bad != 0 {
		t.Errorf("%+v", total)
	}
}

// Lines of any age are taken where history is loaded.
func TestMetricLinesOfAnyAge(t *testing.T) {
	b := start(t)
	old := noon.Add(-90 * 24 * time.Hour)
	for path, want := range map[string]int{"/emf": 0, "/emf?any-time=true": 2} {
		var r cloudwatchd.EMFReport
		if status := b.json(http.MethodPost, path, emfLine(old, "1")+"\n", &r); status != http.StatusOK || r.Data != want {
			t.Errorf("%s: status %d, %+v, want %d data", path, status, r, want)
		}
	}
}
