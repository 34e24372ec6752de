package incident_test

import (
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/run/deploy"
	"gitlab.com/nines-sre/nines/internal/run/incident"
	"gitlab.com/nines-sre/nines/internal/run/runtest"
)

func TestRecord(t *testing.T) {
	env, l := runtest.Env()
	now := runtest.Now()
	for i, version := range []string{"7", "8", "7"} { // 7 comes back
		env.Now = now.Add(time.Duration(i-5) * time.Hour)
		if _, err := deploy.Record(t.Context(), env, deploy.Options{Service: "payment-api", Environment: "production", Version: version}); err != nil {
			t.Fatal(err)
		}
	}
	env.Now = now
	ok := incident.Incident{Deploy: "7", From: now.Add(-270 * time.Minute), To: now.Add(-200 * time.Minute), Reason: " INC-7 "}
	id, in, err := incident.Record(t.Context(), env, "payment-api", ok)
	if err != nil || id == "" || !in.Deployed.Equal(now.Add(-5*time.Hour)) || in.Environment != "production" || in.Reason != "INC-7" {
		t.Fatalf("%s %+v %v", id, in, err)
	}
	if again, _, err := incident.Record(t.Context(), env, "payment-api", ok); err != nil || again != id {
		t.Errorf("the same again: %s, %v", again, err)
	}
	ok.Deploy = l.ID(2)
	if _, in, err := incident.Record(t.Context(), env, "payment-api", ok); err != nil || in.Deploy != "8" {
		t.Errorf("by its entry: %+v, %v", in, err)
	}
	ok.Deploy = ""
	if _, _, err := incident.Record(t.Context(), env, "payment-api", ok); err != nil {
		t.Errorf("by nobody: %v", err)
	}
	for name, c := range map[string]struct {
		change func(*incident.Incident)
		kind   fault.Kind
	}{
		"no beginning":  {func(in *incident.Incident) { in.From = time.Time{} }, fault.Invalid},
		"in the future": {func(in *incident.Incident) { in.From, in.To = now.Add(time.Hour), time.Time{} }, fault.Invalid},
		"backwards":     {func(in *incident.Incident) { in.To = in.From }, fault.Invalid},
		"no reason":     {func(in *incident.Incident) { in.Reason = " " }, fault.Invalid},
		"unknown":       {func(in *incident.Incident) { in.Deploy = "9" }, fault.NotFound},
		"not there yet": {func(in *incident.Incident) { in.Deploy, in.From = "8", now.Add(-6*time.Hour) }, fault.NotFound},
		"elsewhere":     {func(in *incident.Incident) { in.Deploy, in.Environment = "8", "staging" }, fault.NotFound},
	} {
		bad := ok
		c.change(&bad)
		if _, _, err := incident.Record(t.Context(), env, "payment-api", bad); fault.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := incident.Record(t.Context(), env, "nobody", ok); fault.KindOf(err) != fault.NotFound {
		t.Errorf("nobody: %v", err)
	}
}
