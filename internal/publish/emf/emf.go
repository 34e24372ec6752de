// Package emf publishes metrics as lines of CloudWatch's embedded metric format.
// On Lambda they go to standard output with the log, which costs no request and
// needs no permission; CloudWatch makes metrics of them.
package emf

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/publish"
)

// maxMetrics is how many metrics a line may declare. (CloudWatch user guide,
// "Embedded metric format specification".)
const maxMetrics = 100

// Sink implements publish.Sink.
type Sink struct {
	namespace string
	mu        sync.Mutex
	out       io.Writer
}

var _ publish.Sink = (*Sink)(nil)

// New returns a sink that writes each line with one call of out.
func New(out io.Writer, namespace string) *Sink { return &Sink{namespace: namespace, out: out} }

// document is a line.
type document struct {
	AWS    metadata
	fields map[string]any
}

type metadata struct {
	Timestamp         int64       `json:"Timestamp"`
	CloudWatchMetrics []directive `json:"CloudWatchMetrics"`
}

type directive struct {
	Namespace  string     `json:"Namespace"`
	Dimensions [][]string `json:"Dimensions"`
	Metrics    []metric   `json:"Metrics"`
}

type metric struct {
	Name string `json:"Name"`
	Unit string `json:"Unit"`
}

// Publish implements publish.Sink: samples of one instant and the same
// dimensions share a line.
func (s *Sink) Publish(ctx context.Context, samples []publish.Sample) (publish.Receipt, error) {
	var r publish.Receipt
	var order []*document
	lines := map[string]*document{}
	for _, sample := range samples {
		key := fmt.Sprintf("%d %q", sample.At.UnixMilli(), sample.Dimensions)
		d := lines[key]
		why := publish.Check(sample)
		switch {
		case why != "":
		case d == nil:
			d = s.line(sample)
			lines[key], order = d, append(order, d)
		case d.fields[sample.Name] != nil:
			why = sample.Name + ": given twice for the same instant"
		case len(d.AWS.CloudWatchMetrics[0].Metrics) == maxMetrics:
			d = s.line(sample) // the key's line is full: the next ones go to a new one
			lines[key], order = d, append(order, d)
		}
		if why != "" {
			r.Dropped = append(r.Dropped, why)
			continue
		}
		unit := sample.Unit
		if unit == "" {
			unit = publish.Plain
		}
		d.fields[sample.Name] = sample.Value
		d.AWS.CloudWatchMetrics[0].Metrics = append(d.AWS.CloudWatchMetrics[0].Metrics, metric{sample.Name, string(unit)})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range order {
		if err := ctx.Err(); err != nil {
			return r, fault.Wrap(fault.Canceled, "publish metrics", err, "")
		}
		if err := d.write(s.out); err != nil {
			return r, fault.Wrap(fault.Unavailable, "publish metrics", err, "the line could not be written")
		}
		r.Published += len(d.AWS.CloudWatchMetrics[0].Metrics)
	}
	return r, nil
}

func (s *Sink) line(sample publish.Sample) *document {
	d := &document{fields: map[string]any{}}
	names := make([]string, len(sample.Dimensions))
	for i, dim := range sample.Dimensions {
		names[i] = dim.Name
		d.fields[dim.Name] = publish.Clean(dim.Value)
	}
	d.AWS = metadata{sample.At.UnixMilli(), []directive{{Namespace: s.namespace, Dimensions: [][]string{names}}}}
	return d
}

func (d *document) write(w io.Writer) error {
	d.fields["_aws"] = d.AWS
	var b strings.Builder
	enc := json.NewEncoder(&b) // ends the line
	enc.SetEscapeHTML(false)
	if err := enc.Encode(d.fields); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.String())
	return err
}
