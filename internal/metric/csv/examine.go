package csv

import (
	"context"
	"fmt"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
)

var _ metric.Examiner = (*Source)(nil)

// Examine implements metric.Examiner: each query's file is there, can be read,
// and has rows in the column wanted.
func (s *Source) Examine(ctx context.Context, e metric.Examination) []metric.Finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted, err := s.resolve(ctx, e.Queries)
	if err != nil {
		return []metric.Finding{{Check: "file", Outcome: metric.Fail, Text: err.Error(), Do: fault.HintOf(err)}}
	}
	out := make([]metric.Finding, 0, len(wanted))
	for _, w := range wanted {
		f := metric.Finding{Check: "file", Subject: w.query.Key, Outcome: metric.OK}
		switch {
		case w.err != nil:
			f.Outcome, f.Text, f.Do = metric.Fail, w.err.Error(), fault.HintOf(w.err)
		case w.track.measured == 0:
			f.Outcome, f.Text = metric.Fail, w.settings.path+": no row has a value in that column"
			f.Do = "look at the file, and at column in the metric source"
		default:
			extent := w.track.extent(w.step)
			f.Text = fmt.Sprintf("%s: %d steps of %d min, from %s to %s", w.settings.path, w.track.measured, w.step,
				extent.From.Time().Format("2006-01-02 15:04"), extent.To.Time().Format("2006-01-02 15:04"))
			if notes := w.notes(); len(notes) > 0 {
				f.Outcome, f.Do = metric.Warn, notes[0]
			}
		}
		out = append(out, f)
	}
	return out
}
