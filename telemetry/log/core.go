package log

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/env"
	"gitlab.com/nines-sre/nines/telemetry/internal/jsonx"
	"gitlab.com/nines-sre/nines/telemetry/internal/line"
	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
)

// core is what handlers that come from one New share.
type core struct {
	out      *line.Writer
	fixed    slog.Level
	level    slog.Leveler // nil: fixed
	rate     float64
	buffer   int // bytes; 0: nothing is held
	redacted []string
	source   bool
	dev      bool
	zone     *time.Location
	clock    func() time.Time // nil: records have their own time
	heads    heads
	problems []string
	function env.Function

	service []byte // `,"service":"checkout"`
	bare    []byte // what stands before attributes outside of an invocation
	second  atomic.Pointer[second]
	sites   sites
	loose   atomic.Pointer[scope.Invocation] // see looseInvocation
	pool    sync.Pool

	lines, bytes, evicted, renamed, oversize atomic.Uint64
}

func (c *core) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

func (c *core) encodeService(name string) {
	c.service = jsonx.AppendString([]byte(`,"service":`), name)
	c.bare = c.appendPrefix(nil, nil)
}

// appendPrefix appends what all records of an invocation have: service, the keys
// of Lambda, and the sampling rate between what is known of the function and what
// is known of the request.
func (c *core) appendPrefix(b, block []byte) []byte {
	b = append(b, c.service...)
	at := len(block)
	for _, s := range split(block, 0, nil) {
		if key := string(block[s.key:s.keyEnd]); key == "xray_trace_id" || key == "tenant_id" || key == "correlation_id" {
			at = s.key - 2
			break
		}
	}
	from := len(b)
	b = append(b, block[:at]...)
	b = append(b, `,"sampling_rate":`...)
	b = jsonx.AppendFloat(b, c.rate)
	b = append(b, block[at:]...)
	if len(c.redacted) > 0 {
		b = redact(b[:from:from], b[from:], c.secret)
	}
	return b
}

// secret says whether the value of a key is to be hidden.
func (c *core) secret(key string) bool {
	for _, k := range c.redacted {
		if len(k) == len(key) && strings.EqualFold(k, key) {
			return true
		}
	}
	return false
}

// now is the time of a record that brings none.
func (c *core) now() time.Time {
	if c.clock != nil {
		return c.clock()
	}
	return time.Now()
}

// sampled says whether an invocation is one of those whose debug records are
// written. The upper 53 bits of the hash are a number from 0 to 1, exactly, so the
// share is the rate itself, not its nearest percent.
func (c *core) sampled(inv *scope.Invocation) bool {
	return c.rate > 0 && float64(inv.Hash>>11)*0x1p-53 < c.rate
}

// lowest is the level from which on records are written.
func (c *core) lowest() slog.Level {
	if c.level == nil {
		return c.fixed
	}
	return c.level.Level()
}

// enabled says whether a record of this level is to be made.
func (c *core) enabled(ctx context.Context, l slog.Level) bool {
	lowest := c.lowest()
	if l >= lowest {
		return true
	}
	if c.rate == 0 && c.buffer == 0 || lowest >= LevelSilent {
		return false
	}
	inv, _ := c.invocation(ctx)
	return inv != nil && (c.buffer > 0 || l >= slog.LevelDebug && c.sampled(inv))
}

// holds says whether an invocation with a buffer holds a record back.
func (c *core) holds(inv *scope.Invocation, l slog.Level) bool {
	if l >= slog.LevelInfo && l >= c.lowest() {
		return false
	}
	return l < slog.LevelDebug || !c.sampled(inv)
}

// emit writes a finished record, or holds it. An error brings out what was held.
func (c *core) emit(inv *scope.Invocation, l slog.Level, record []byte) {
	if c.buffer > 0 && inv != nil {
		if c.holds(inv, l) {
			c.stateOf(inv).hold(record)
			return
		}
		if l >= slog.LevelError {
			c.flush(inv)
		}
	}
	c.write(record)
}

func (c *core) write(record []byte) {
	if c.dev {
		record = readable(record)
	}
	if !c.out.WriteLine(record) {
		c.lines.Add(1)
		c.bytes.Add(uint64(len(record)))
	}
}
