package cloudwatchd

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/emf"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
	"gitlab.com/nines-sre/nines/internal/fault"
)

const (
	// maxLine is the greatest length of a log line; longer ones are skipped.
	maxLine = 1 << 20
	// maxBadLines is how many bad lines a report shows one by one.
	maxBadLines = 20
	// emfBatch is how many data are stored at once.
	emfBatch = 1000
)

// EMFReport counts what embedded-metric-format lines held.
type EMFReport struct {
	Lines   int       `json:"lines"`
	Data    int       `json:"data"`    // metric data stored
	Ignored int       `json:"ignored"` // ordinary log lines
	Bad     int       `json:"bad"`     // lines of which something was left out
	First   []BadLine `json:"first_bad,omitempty"`
}

// BadLine says what was left out of a line, and why.
type BadLine struct {
	Line    int      `json:"line"` // counted from 1
	Reasons []string `json:"reasons"`
}

func (r *EMFReport) bad(reasons []string) {
	r.Bad++
	if len(r.First) < maxBadLines {
		r.First = append(r.First, BadLine{Line: r.Lines, Reasons: reasons})
	}
}

// emfCounts sums reports over the life of the server.
type emfCounts struct {
	mu    sync.Mutex
	total EMFReport
}

func (c *emfCounts) add(r EMFReport) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total.Lines += r.Lines
	c.total.Data += r.Data
	c.total.Ignored += r.Ignored
	c.total.Bad += r.Bad
	for _, b := range r.First {
		if len(c.total.First) < maxBadLines {
			c.total.First = append(c.total.First, b)
		}
	}
}

func (c *emfCounts) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total = EMFReport{}
}

// EMFTotals returns the counts of all lines read so far.
func (s *Server) EMFTotals() EMFReport {
	s.emf.mu.Lock()
	defer s.emf.mu.Unlock()
	t := s.emf.total
	t.First = append([]BadLine(nil), t.First...)
	return t
}

// ReadEMF stores the embedded-metric-format lines of a stream, such as standard
// input, until it ends. Data are stored whenever the stream pauses. Bad lines
// are counted and never stop it; the error is one of reading or storing.
func (s *Server) ReadEMF(ctx context.Context, place store.Place, r io.Reader) (EMFReport, error) {
	return (&emfIntake{server: s, place: place}).read(ctx, r)
}

// read takes the lines of a stream.
func (in *emfIntake) read(ctx context.Context, r io.Reader) (EMFReport, error) {
	in.lines = bufio.NewReaderSize(r, 64<<10)
	defer in.count()
	for {
		line, long, err := readLine(in.lines)
		if err != nil && !errors.Is(err, io.EOF) {
			return in.report, errors.Join(in.flush(ctx), fault.Wrap(fault.Unavailable, "read metric lines", err, ""))
		}
		if len(line) > 0 || long {
			in.line(line, long)
		}
		if err != nil {
			return in.report, in.flush(ctx)
		}
		if len(in.batch) >= emfBatch || in.lines.Buffered() == 0 {
			if err := in.flush(ctx); err != nil {
				return in.report, err
			}
			in.count()
		}
	}
}

// count adds what came since the last time to the server's sums: a stream may
// never end.
func (in *emfIntake) count() {
	now, before := in.report, in.counted
	in.server.emf.add(EMFReport{
		Lines: now.Lines - before.Lines, Data: now.Data - before.Data, Ignored: now.Ignored - before.Ignored, Bad: now.Bad - before.Bad,
		First: now.First[len(before.First):],
	})
	in.counted = now
}

// emfIntake is one stream of lines.
type emfIntake struct {
	server  *Server
	place   store.Place
	anyTime bool // past the limits on a line's age
	lines   *bufio.Reader
	batch   []store.Datum
	report  EMFReport
	counted EMFReport // the part of report that is in the server's sums
}

func (in *emfIntake) line(line []byte, long bool) {
	in.report.Lines++
	if long {
		in.report.bad([]string{fmt.Sprintf("the line is longer than %d bytes", maxLine)})
		return
	}
	r := emf.Reader{Now: in.server.clock.Now(), AnyTime: in.anyTime, Unit: func(u string) bool { return unitRank(u) >= 0 }}
	got := r.Line(line)
	if got.Ignored {
		in.report.Ignored++
	}
	if len(got.Problems) > 0 {
		in.report.bad(got.Problems)
	}
	in.report.Data += len(got.Data)
	in.batch = append(in.batch, got.Data...)
}

func (in *emfIntake) flush(ctx context.Context) error {
	if len(in.batch) == 0 {
		return nil
	}
	entry := Entry{}
	c := &call{place: in.place, now: in.server.clock.Now(), entry: &entry}
	if err := in.server.ingest(ctx, c, in.batch); err != nil {
		return fault.New(fault.Unavailable, "store metric lines", err.Message, "")
	}
	in.batch = in.batch[:0]
	return nil
}

// readLine returns the next line without its end; of a line that is too long
// only the fact.
func readLine(r *bufio.Reader) (line []byte, long bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if !long {
			line = append(line, part...)
		}
		if len(line) > maxLine {
			line, long = nil, true
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, long, err
		}
	}
}

// TailEMF follows a file that a service writes lines to, until ctx ends: from
// its end, or from its beginning when fromStart is set. The file may not exist
// yet, may be truncated, and may be replaced. An unfinished last line waits for
// its end. poll is how often it is looked at; what was written until ctx ended
// is still read.
func (s *Server) TailEMF(ctx context.Context, place store.Place, path string, fromStart bool, poll time.Duration) error {
	t := &tail{path: path, fromStart: fromStart}
	defer t.close()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for last := false; ; {
		chunk, err := t.read()
		if err != nil {
			return fault.Wrap(fault.Unavailable, "follow "+path, err, "")
		}
		if len(chunk) > 0 {
			// What was taken from the file is stored, whatever ends meanwhile.
			if _, err := s.ReadEMF(context.WithoutCancel(ctx), place, bytes.NewReader(chunk)); err != nil {
				return err
			}
			continue
		}
		if last {
			return nil
		}
		select {
		case <-ctx.Done():
			last = true
		case <-tick.C:
		}
	}
}

// serveEMF takes lines over HTTP: POST /emf, newline separated, gzip or not.
// ?region= and ?account= name the place where a signature does not, and
// ?any-time=true takes lines of any age: that is how history is loaded.
func (s *Server) serveEMF(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		w.Header().Set("Allow", "POST, PUT")
		writeJSON(w, http.StatusMethodNotAllowed, map[string]string{"error": "send lines with POST"})
		return
	}
	place := s.caller(r)
	if v := r.URL.Query().Get("region"); v != "" {
		place.Region = v
	}
	if v := r.URL.Query().Get("account"); v != "" {
		place.Account = v
	}
	body := io.Reader(http.MaxBytesReader(w, r.Body, maxOwn))
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": "the body is not gzip: " + err.Error()})
			return
		}
		body = io.LimitReader(z, 16*maxOwn)
	}
	in := &emfIntake{server: s, place: place, anyTime: r.URL.Query().Get("any-time") == "true"}
	report, err := in.read(r.Context(), body)
	if err != nil {
		writeJSON(w, fault.KindOf(err).HTTPStatus(), map[string]any{"error": err.Error(), "report": report})
		return
	}
	writeJSON(w, http.StatusOK, report)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the reader may be gone
}
