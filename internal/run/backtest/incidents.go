package backtest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/backtest"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// ReadIncidents reads incidents that somebody wrote down. A file is CSV with a
// heading of subject, from and to (and id), or YAML: a list of the same under
// incidents. Subjects are a service, service/slo or service/slo/objective, or
// "*". Instants are RFC 3339; a minute that an incident touches is its own.
func ReadIncidents(name string) ([]backtest.Incident, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, "incidents "+name, err, "name a CSV or YAML file, or `ledger`")
	}
	out, err := parseIncidents(data)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "incidents "+name, err, "write subject, from and to of each")
	}
	return out, nil
}

// row is an incident as files have it.
type row struct {
	ID      string `yaml:"id"`
	Subject string `yaml:"subject"`
	From    string `yaml:"from"`
	To      string `yaml:"to"`
}

func parseIncidents(data []byte) ([]backtest.Incident, error) {
	var rows []row
	var err error
	first, _, _ := bytes.Cut(bytes.TrimSpace(data), []byte("\n"))
	if bytes.Contains(first, []byte(",")) && !bytes.HasPrefix(first, []byte("#")) && !bytes.Contains(first, []byte("{")) {
		rows, err = csvRows(data)
	} else {
		var doc struct {
			Incidents []row `yaml:"incidents"`
		}
		if err = decode(data, &doc); errors.Is(err, io.EOF) {
			err = nil // an empty file names none
		}
		rows = doc.Incidents
	}
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("it names no incident")
	}
	out := make([]backtest.Incident, len(rows))
	for i, r := range rows {
		if out[i], err = r.incident(); err != nil {
			return nil, fmt.Errorf("incident %d: %w", i+1, err)
		}
	}
	slices.SortStableFunc(out, func(a, b backtest.Incident) int { return cmp.Compare(a.From, b.From) })
	return out, nil
}

func csvRows(data []byte) ([]row, error) {
	r := csv.NewReader(bytes.NewReader(data))
	head, err := r.Read()
	if err != nil {
		return nil, err //nolint:wrapcheck // it says the line
	}
	at := map[string]int{}
	for i, name := range head {
		at[strings.ToLower(strings.TrimSpace(name))] = i
	}
	for _, name := range []string{"subject", "from", "to"} {
		if _, ok := at[name]; !ok {
			return nil, fmt.Errorf("line 1: there is no column %s", name)
		}
	}
	var out []row
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err //nolint:wrapcheck // it says the line
		}
		x := row{Subject: fields[at["subject"]], From: fields[at["from"]], To: fields[at["to"]]}
		if i, ok := at["id"]; ok {
			x.ID = fields[i]
		}
		out = append(out, x)
	}
}

func (r *row) incident() (backtest.Incident, error) {
	out := backtest.Incident{ID: r.ID, Subject: strings.TrimSpace(r.Subject)}
	if out.Subject == "" {
		return out, errors.New("it has no subject")
	}
	from, err := time.Parse(time.RFC3339, strings.TrimSpace(r.From))
	if err != nil {
		return out, fmt.Errorf("from: %w", err)
	}
	to, err := time.Parse(time.RFC3339, strings.TrimSpace(r.To))
	if err != nil {
		return out, fmt.Errorf("to: %w", err)
	}
	if !from.Before(to) {
		return out, fmt.Errorf("it ends at %s, before it begins", r.To)
	}
	out.From, out.To = slo.MinuteOf(from), slo.MinuteOf(to.Add(time.Minute-time.Nanosecond))
	return out, nil
}

// FromLedger are the incidents that live alerts opened and ended: what a policy
// should not be quieter about than the one in force. They say nothing of what
// that one missed.
func FromLedger(ctx context.Context, env *run.Env) ([]backtest.Incident, error) {
	if env.Ledger == nil {
		return nil, fault.New(fault.Invalid, "--incidents ledger", "there is no store", "name a file, or leave it out")
	}
	out := []backtest.Incident{} // none is an answer
	at := map[string]int{}
	for e, err := range env.Ledger.Scan(ctx, ledger.Query{Kinds: []ledger.Kind{ledger.KindAlert}}) {
		if err != nil {
			return nil, fault.Wrap(fault.KindOf(err), "read the ledger", err, "")
		}
		var x alert.Event
		if json.Unmarshal(e.Body, &x) != nil {
			continue
		}
		switch i, known := at[x.Incident]; {
		case x.Kind == alert.Opened && !known:
			at[x.Incident] = len(out)
			out = append(out, backtest.Incident{ID: x.Incident, Subject: x.Objective, From: x.Since - 1, To: x.At})
		case x.Kind == alert.Resolved && known:
			out[i].To = max(out[i].To, x.Ended-1)
		}
	}
	slices.SortStableFunc(out, func(a, b backtest.Incident) int { return cmp.Compare(a.From, b.From) })
	return out, nil
}
