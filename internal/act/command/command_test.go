package command_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/acttest"
	"gitlab.com/nines-sre/nines/internal/act/command"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// place is a folder with what the programs of the tests move.
type place struct {
	t   testing.TB
	dir string
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{t, t.TempDir()}
	t.Setenv("NINES_TEST_DIR", p.dir)
	p.put("writes", "")
	p.set(act.Split{Stable: "1"})
	return p
}

func (p *place) put(name, content string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(content), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) get(name string) string {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(data)
}

// set changes the target as somebody else does.
func (p *place) set(to act.Split) {
	p.t.Helper()
	p.put("state", fmt.Sprintf("%s\n%s\n%v\n", to.Stable, to.Canary, to.Weight))
	p.put("writes", p.get("writes")+"x\n")
}

func (p *place) look(t testing.TB) act.Split {
	t.Helper()
	lines := strings.Split(p.get("state"), "\n")
	w, err := strconv.ParseFloat(lines[2], 64)
	if err != nil {
		t.Fatal(err)
	}
	return act.Split{Stable: lines[0], Canary: lines[1], Weight: w}
}

func (p *place) fail(trouble acttest.Trouble, _ int) {
	p.put("trouble", map[acttest.Trouble]string{acttest.Throttled: "75\n", acttest.Away: "69\n", acttest.Denied: "77\n", acttest.Lost: "lost\n"}[trouble])
}

func open(t testing.TB, opt command.Options) *command.Target {
	t.Helper()
	opt.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	a, err := command.Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestSuite(t *testing.T) {
	for name, read := range map[string]string{"with eyes": "testdata/read.sh", "blind": ""} {
		t.Run(name, func(t *testing.T) {
			acttest.Run(t, func(t *testing.T) acttest.World {
				p := newPlace(t)
				opt := command.Options{Shift: "testdata/shift.sh", Read: read}
				w := acttest.World{
					Actor: open(t, opt), Versions: []string{"1", "2", "3"}, Racy: true,
					Look:   p.look,
					Writes: func() int { return strings.Count(p.get("writes"), "x") },
					Fail:   p.fail,
				}
				if read != "" {
					w.Again = func(t testing.TB) act.Actor { return open(t, opt) }
					w.Foreign = func(_ testing.TB, to act.Split) { p.set(to) }
					w.Busy = func(testing.TB) { p.put("busy", "a pipeline") }
				}
				return w
			})
		})
	}
}

// apply applies an action.
func apply(t testing.TB, a act.Actor, want act.Action) (act.Outcome, error) {
	t.Helper()
	return a.Apply(t.Context(), act.Change{Action: want})
}

// The program is told all of it.
func TestEnvironment(t *testing.T) {
	p := newPlace(t)
	var log bytes.Buffer
	a := open(t, command.Options{Shift: `testdata/shift.sh "$NINES_KEY" && echo done >&2`, Log: &log})
	from := act.State{Split: act.Split{Stable: "1", Canary: "2", Weight: 0.07}, Revision: "r7"}
	want := act.Action{Verb: act.Shift, Key: "rollout/7", From: from, To: act.Split{Stable: "1", Canary: "2", Weight: 0.1}, Reason: "a step; no 'more'"}
	if c, err := a.Plan(t.Context(), want); err != nil || len(c.Calls) != 1 || !strings.Contains(c.Calls[0], "NINES_WEIGHT=10 testdata/shift.sh") {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := apply(t, a, want); err != nil {
		t.Fatal(err)
	}
	if got := p.get("log"); got != "1|2|0.1|10|shift|rollout/7|a step; no 'more'|1|2|0.07|r7\n" {
		t.Errorf("it was told %q", got)
	}
	if log.String() != "done\n" {
		t.Errorf("the log has %q", &log)
	}
}

// A blind target that was just opened takes the word of who asks, and runs the
// program even if all seems done: it may have been killed half way.
func TestBlindRestores(t *testing.T) {
	p := newPlace(t)
	p.set(act.Split{Stable: "1", Canary: "2", Weight: 0.5})
	a := open(t, command.Options{Shift: "testdata/shift.sh"})
	if s, err := a.Read(t.Context()); err != nil || s != (act.State{Ready: true}) {
		t.Errorf("it knows %+v, %v", s, err)
	}
	old := act.State{Split: act.Split{Stable: "1"}, Ready: true}
	if out, err := apply(t, a, act.Action{Verb: act.Restore, Key: "k", From: old, To: old.Split}); err != nil || len(out.Calls) != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	if got := p.look(t); !got.Same(old.Split) {
		t.Errorf("it lies at %v", got)
	}
}

// What a program ends with, and what it prints, is told.
func TestErrors(t *testing.T) {
	newPlace(t)
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for program, want := range map[string]struct {
		kind fault.Kind
		text string
	}{
		`echo one >&2; echo two >&2; echo three >&2; printf 'fo\033ur' >&2; exit 3`: {fault.Unavailable, "exit status 3: two; three; fo ur"},
		"(exit 64)":             {fault.Invalid, "exit status 64"},
		"(exit 75)":             {fault.Throttled, "exit status 75"},
		"(exit 77)":             {fault.Denied, "exit status 77"},
		"kill -9 $$":            {fault.Unavailable, "killed"},
		"no-such-program --now": {fault.Invalid, "no such program"},
		"./nothing/here":        {fault.Invalid, "no such program"},
		text:                    {fault.Denied, "may not be run"},
	} {
		a := open(t, command.Options{Shift: program})
		_, err := apply(t, a, act.Action{Verb: act.Promote, To: act.Split{Stable: "2"}})
		if fault.KindOf(err) != want.kind || !strings.Contains(err.Error(), want.text) {
			t.Errorf("%s: %v (%v)", program, err, fault.KindOf(err))
		}
	}
	for program, kind := range map[string]fault.Kind{"echo": fault.Corrupt, "yes": fault.Unavailable, "head -c 70000 /dev/zero": fault.Full, "echo '{\"stable\":\"1\"}'": fault.Internal} {
		a := open(t, command.Options{Shift: "true", Read: program, Limit: 300 * time.Millisecond})
		if _, err := a.Read(t.Context()); fault.KindOf(err) != kind {
			t.Errorf("%s: %v (%v)", program, err, fault.KindOf(err))
		}
	}
	if _, err := command.Open(command.Options{Shift: "  ", Read: "x"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no program: %v", err)
	}
	a := open(t, command.Options{Shift: "true"})
	if _, err := apply(t, a, act.Action{Verb: act.Promote, To: act.Split{Stable: "2\x00"}}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a zero byte: %v", err)
	}
}

// A program that ends with what is wanted not in force is not believed.
func TestNotInForce(t *testing.T) {
	newPlace(t)
	a := open(t, command.Options{Shift: "true", Read: `echo '{"stable": "1"}'`})
	_, err := apply(t, a, act.Action{Verb: act.Promote, From: act.State{Split: act.Split{Stable: "1"}}, To: act.Split{Stable: "2"}})
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "not at 2") {
		t.Errorf("%v", err)
	}
}
