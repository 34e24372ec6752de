// Package command moves traffic by a program of the user's: one that shifts, and
// one that tells how the traffic lies.
//
// A text without anything that a shell gives a meaning to is split at blanks and
// run as it is; any other text is given to "sh -c". The program that shifts is told
// by its environment what is wanted:
//
//	NINES_VERB           shift, promote, restore, rollback (read: for the other program)
//	NINES_STABLE         the version that gets what the canary does not
//	NINES_CANARY         the canary's version; empty: it gets nothing any more
//	NINES_WEIGHT         the canary's share in per cent: 5
//	NINES_SHARE          the same as a number from 0 to 1: 0.05
//	NINES_KEY            the same for the same change, whenever it is tried again
//	NINES_REASON         why
//	NINES_FROM_STABLE, NINES_FROM_CANARY, NINES_FROM_SHARE, NINES_FROM_REVISION
//	                     how the traffic lay when that was decided
//
// It ends with 0 when that is in force. Another status means that it is not, with
// what it said last on standard error; of those of sysexits(3), 75 means too often
// (it is tried again later), 77 not allowed, and 64, 65 and 78 that it was called
// wrongly. It may be called twice for one change and has to stand that.
//
// The program that reads prints one JSON object: {"stable": "7", "canary": "8",
// "weight": 0.05, "revision": "abc", "ready": true, "busy": "..."}. Only stable has
// to be there. Weight is a share from 0 to 1, or text in per cent: "5%". Without
// such a program nobody can see what others change: Caps say so (Blind), and Read
// tells what was last set here.
package command

import (
	"context"
	"io"
	"strings"
	"sync"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// Options say which programs they are.
type Options struct {
	// Shift moves the traffic, Read tells how it lies; "": nothing does.
	Shift, Read string
	// Wait waits, and ends early with the context's error.
	Wait func(ctx context.Context, d time.Duration) error
	// Log takes what the programs print. nil: nobody.
	Log io.Writer
	// Limit ends a program that takes longer. 0: 10 minutes.
	Limit time.Duration
}

// Target is what a program moves. It implements act.Actor.
type Target struct {
	opt Options

	mu   sync.Mutex
	last *act.State // what was last set; nil: nobody knows
}

var _ act.Actor = (*Target)(nil)

// op is what errors begin with.
const op = "target command"

// Open returns the target of two programs. It runs none yet.
func Open(opt Options) (*Target, error) {
	opt.Shift, opt.Read = strings.TrimSpace(opt.Shift), strings.TrimSpace(opt.Read)
	if opt.Shift == "" {
		return nil, fault.New(fault.Invalid, op, "there is no program to move the traffic with", "name one: --shift-with 'PROGRAM ARGUMENTS'")
	}
	if opt.Limit == 0 {
		opt.Limit = 10 * time.Minute
	}
	return &Target{opt: opt}, nil
}

// Caps implements act.Actor: what a program can do is not known; it says so itself.
func (t *Target) Caps() act.Caps {
	return act.Caps{Splits: true, Smallest: 0.0001, Most: 1, Restores: true, Blind: t.opt.Read == ""}
}

// Read implements act.Actor.
func (t *Target) Read(ctx context.Context) (act.State, error) {
	if t.opt.Read == "" {
		now, _ := t.known()
		return now, nil
	}
	out, err := t.run(ctx, t.opt.Read, []string{"NINES_VERB=read"})
	if err != nil {
		return act.State{}, err
	}
	return ParseState(out)
}

// known is what was last set here, and whether anything was.
func (t *Target) known() (now act.State, is bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil {
		return act.State{Ready: true}, false
	}
	return *t.last, true
}

// meets compares an action with how the target lies, as far as that is known.
func (t *Target) meets(ctx context.Context, a act.Action) (now act.State, done bool, err error) {
	if t.opt.Read != "" {
		if now, err = t.Read(ctx); err != nil {
			return now, false, err
		}
		done, err = a.Meets(op, now)
		return now, done, err //nolint:wrapcheck // says all there is to say
	}
	now, is := t.known()
	if !is {
		// Even what lies as wanted by its From is set again: the program may have been
		// killed half way.
		return a.From, false, nil
	}
	done, err = a.Meets(op, now)
	return now, done, err //nolint:wrapcheck // says all there is to say
}

// Plan implements act.Actor.
func (t *Target) Plan(ctx context.Context, a act.Action) (act.Change, error) {
	c := act.Change{Action: a}
	if err := a.Valid(op, t.Caps()); err != nil {
		return c, err //nolint:wrapcheck // says all there is to say
	}
	_, done, err := t.meets(ctx, a)
	if err != nil {
		return c, err
	}
	if c.None = done; !done {
		c.Calls = []string{t.call(a)}
	}
	return c, nil
}

// call is the one write, in words: what a person would type.
func (t *Target) call(a act.Action) string {
	return "NINES_VERB=" + string(a.Verb) + " NINES_STABLE=" + a.To.Stable + " NINES_CANARY=" + canary(a.To) + " NINES_WEIGHT=" + number(100*weight(a.To)) + " " + t.opt.Shift
}

const (
	// looks is how often the other program is asked whether what was set is in
	// force.
	looks     = 150
	lookEvery = 2 * time.Second
)

// Apply implements act.Actor.
func (t *Target) Apply(ctx context.Context, c act.Change) (act.Outcome, error) {
	if err := c.Valid(op, t.Caps()); err != nil {
		return act.Outcome{}, err //nolint:wrapcheck // says all there is to say
	}
	if err := ctx.Err(); err != nil {
		return act.Outcome{}, fault.Wrap(fault.Canceled, op, err, "")
	}
	now, done, err := t.meets(ctx, c.Action)
	if done || err != nil {
		return act.Outcome{State: now}, err
	}
	t.keep(nil) // from here on nobody knows, until it has ended
	out := act.Outcome{State: now, Calls: []string{t.call(c.Action)}}
	if _, err := t.run(ctx, t.opt.Shift, environment(c.Action)); err != nil {
		return out, err
	}
	if t.opt.Read == "" {
		out.State = act.State{Split: c.To, Ready: true}
		t.keep(&out.State)
		return out, nil
	}
	return t.inForce(ctx, c, out)
}

func (t *Target) keep(s *act.State) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = s
}

// inForce asks until the traffic lies as it was set.
func (t *Target) inForce(ctx context.Context, c act.Change, out act.Outcome) (act.Outcome, error) {
	for n := 0; ; n++ {
		now, err := t.Read(ctx)
		if err != nil {
			return out, err
		}
		out.State = now
		if now.Same(c.To) && now.Ready {
			return out, nil
		}
		if n == looks {
			return out, fault.New(fault.Unavailable, op, "the program has ended, and the traffic lies at "+now.String()+", not at "+c.To.String(), "run the program that reads by hand: "+t.opt.Read)
		}
		if err := t.opt.Wait(ctx, lookEvery); err != nil {
			return out, fault.Wrap(fault.Canceled, op, err, "")
		}
	}
}
