// Package notifytest is the suite that every target passes.
package notifytest

import (
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
)

// World is a target with what stands behind it.
type World struct {
	Target notify.Target
	// Got returns what arrived, oldest first, as the other side reads it.
	Got func() []string
	// Fail makes the next messages fail: with Unavailable (it is away), Throttled
	// or Denied (it refuses); Internal: no more.
	Fail func(kind fault.Kind)
	// Secret must stand in no error; empty: there is none.
	Secret string
}

// Message is one with foreign text in it.
func Message() notify.Message {
	return notify.Message{
		Event: notify.Halt, Title: "payment-api 1.4.2 is held", Service: "payment-api", Environment: "production", Version: "1.4.2",
		Lines:   []string{"the budget is exhausted, -5.6 % left", "override by @all: <!channel> \"quoted\"\n/approve ünïcode"},
		Verdict: "fail", Decision: "1ng86b20002", URL: "https://gitlab.example.com/shop/pay/-/jobs/302",
		At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Key: "halt/payment-api/production/1.4.2",
	}
}

// Alert is the message of an alert, with foreign text in it and a chart.
func Alert(status notify.Status) notify.Message {
	m := notify.Sample(status, notify.Page, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	m.Alert.Labels["tier\n"] = "ü\x00"
	m.Lines = append(m.Lines, Message().Lines...)
	m.Chart = &notify.Chart{Alt: "budget <left>", URL: "https://nines.example.com/c.png", PNG: []byte("\x89PNG\r\n\x1a\n"), SVG: []byte("<svg/>")}
	return m
}

// Run runs the suite; open makes a fresh world.
func Run(t *testing.T, open func(t *testing.T) World) {
	t.Run("arrives", func(t *testing.T) {
		w := open(t)
		for range 2 {
			if err := w.Target.Send(t.Context(), Message()); err != nil {
				t.Fatal(err)
			}
		}
		got := w.Got()
		if len(got) != 2 {
			t.Fatalf("%d arrived: %.300q", len(got), got)
		}
		for _, want := range []string{"payment-api 1.4.2 is held", "the budget is exhausted", "ünïcode"} {
			if !strings.Contains(got[0], want) {
				t.Errorf("no %q in %q", want, got[0])
			}
		}
	})
	alerts(t, open)
	t.Run("empty fields", func(t *testing.T) {
		w := open(t)
		if err := w.Target.Send(t.Context(), notify.Message{Event: notify.Override, Title: "x", Service: "a", Verdict: "warn", Key: "k"}); err != nil || len(w.Got()) != 1 {
			t.Errorf("%v %.300q", err, w.Got())
		}
	})
	t.Run("fails", func(t *testing.T) {
		w := open(t)
		for _, kind := range []fault.Kind{fault.Unavailable, fault.Throttled, fault.Denied} {
			w.Fail(kind)
			err := w.Target.Send(t.Context(), Message())
			if fault.KindOf(err) != kind {
				t.Errorf("want %v, got %v", kind, err)
			}
			if w.Secret != "" && err != nil && strings.Contains(err.Error(), w.Secret) {
				t.Errorf("the error says what is a secret: %v", err)
			}
		}
		if got := w.Got(); len(got) != 0 {
			t.Errorf("something arrived: %q", got)
		}
		w.Fail(fault.Internal)
		if err := w.Target.Send(t.Context(), Message()); err != nil || len(w.Got()) != 1 {
			t.Errorf("it does not recover: %v", err)
		}
	})
}

// alerts is the part of the suite about alerts, small and large.
func alerts(t *testing.T, open func(t *testing.T) World) {
	t.Run("an alert", func(t *testing.T) {
		w := open(t)
		for _, status := range []notify.Status{notify.Firing, notify.Resolved, notify.NoData, notify.DataBack} {
			if err := w.Target.Send(t.Context(), Alert(status)); err != nil {
				t.Fatal(status, err)
			}
		}
		got := w.Got()
		if len(got) != 4 || !strings.Contains(got[0], "97.7 %") || !strings.Contains(got[1], "over after 6 min") {
			t.Errorf("%d arrived: %.300q", len(got), got)
		}
	})
	t.Run("much", func(t *testing.T) {
		w := open(t)
		m := Alert(notify.Firing)
		m.Title = strings.Repeat("ü ", 3000)
		m.Alert.Incident = strings.Repeat("a/", 500)
		for range 300 {
			m.Lines = append(m.Lines, strings.Repeat("x", 50))
		}
		if err := w.Target.Send(t.Context(), m); err != nil || len(w.Got()) != 1 {
			t.Errorf("%v, %d arrived", err, len(w.Got()))
		}
	})
}
