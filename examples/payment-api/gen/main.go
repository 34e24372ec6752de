// Command gen writes the recorded series of the example: five weeks of two
// services in five-minute steps, with day and night, weekends, deployments that
// went wrong and a planned maintenance. It is the same every time.
//
//	go run ./examples/payment-api/gen [FOLDER]
package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"
)

const (
	step = 5 * time.Minute
	days = 35
)

// begin is the start of the recording, a Wednesday.
func begin() time.Time { return time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC) }

// incident is a stretch in which a share of the requests failed, and a share of
// the others was slow.
type incident struct {
	from, to     string
	failed, slow float64
}

// service is how a service behaves: requests in the busiest step, and the
// shares that fail or are slow on an ordinary day.
type service struct {
	file         string
	seed         uint64
	peak         float64
	failed, slow float64
	incidents    []incident
}

func services() []service {
	return []service{
		{
			file: "payment-api.csv", seed: 1, peak: 6000, failed: 0.0001, slow: 0.004,
			incidents: []incident{
				// The database moved to another machine; announced, excluded.
				{"2025-01-19T02:00:00Z", "2025-01-19T02:30:00Z", 1, 0},
				// A release with a connection leak, rolled back after 35 minutes.
				{"2025-01-22T10:10:00Z", "2025-01-22T10:45:00Z", 0.12, 0.3},
				// A noisy neighbour: slow, not broken.
				{"2025-01-30T16:00:00Z", "2025-01-30T17:30:00Z", 0.0002, 0.35},
			},
		},
		{
			file: "checkout-api.csv", seed: 2, peak: 1500, failed: 0.0002, slow: 0.006,
			incidents: []incident{
				// A third party answered with errors for most of an hour.
				{"2025-02-03T19:20:00Z", "2025-02-03T20:05:00Z", 0.45, 0.2},
				// A release late in the evening; nobody has noticed yet.
				{"2025-02-04T22:50:00Z", "2025-02-05T00:00:00Z", 0.6, 0.3},
			},
		},
	}
}

func main() {
	folder := filepath.Join("examples", "payment-api", "recorded")
	if len(os.Args) > 1 {
		folder = os.Args[1]
	}
	for _, s := range services() {
		if err := record(folder, s); err != nil {
			fmt.Fprintln(os.Stderr, "gen:", err)
			os.Exit(1)
		}
	}
}

func record(folder string, s service) error {
	f, err := os.Create(filepath.Join(folder, s.file)) //nolint:gosec // the folder is the caller's own word
	if err != nil {
		return err
	}
	buf := bufio.NewWriter(f)
	if err := write(buf, s); err != nil {
		return err
	}
	if err := buf.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// write prints one row a step: requests, those answered without an error, and
// those of them answered within 300 ms.
func write(w io.Writer, s service) error {
	if _, err := fmt.Fprintln(w, "timestamp,total,good,fast"); err != nil {
		return err
	}
	for i := range uint64(days * 24 * time.Hour / step) {
		at := begin().Add(time.Duration(i) * step)
		failed, slow := s.shares(at)
		total := round(s.traffic(at)*(0.95+0.1*s.noise(i, 0)), s.noise(i, 1))
		good := total - min(total, round(float64(total)*failed, s.noise(i, 2)))
		fast := good - min(good, round(float64(good)*slow, s.noise(i, 3)))
		if _, err := fmt.Fprintf(w, "%s,%d,%d,%d\n", at.Format(time.RFC3339), total, good, fast); err != nil {
			return err
		}
	}
	return nil
}

// traffic follows the day: a twentieth of the peak before dawn, the peak in the
// afternoon, six tenths of it at weekends.
func (s service) traffic(at time.Time) float64 {
	hour := float64(at.Hour()) + float64(at.Minute())/60
	wave := (1 - math.Cos(2*math.Pi*(hour-3)/24)) / 2
	level := s.peak * (0.05 + 0.95*wave*wave)
	if day := at.Weekday(); day == time.Saturday || day == time.Sunday {
		level *= 0.6
	}
	return level
}

func (s service) shares(at time.Time) (failed, slow float64) {
	clock := at.Format(time.RFC3339)
	for _, in := range s.incidents {
		if in.from <= clock && clock < in.to {
			return in.failed, in.slow
		}
	}
	return s.failed, s.slow
}

// round makes whole events of an expected number: over many steps the mean is
// kept.
func round(expected, noise float64) int64 { return int64(math.Floor(expected + noise)) }

// noise is a number in [0, 1) that depends on nothing but its place
// (SplitMix64), so that the recording never changes.
func (s service) noise(i, column uint64) float64 {
	z := (s.seed<<40 + i<<3 + column) * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) / (1 << 53)
}
