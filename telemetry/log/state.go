package log

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
)

// state is what one logger keeps for one invocation.
type state struct {
	core *core
	view atomic.Pointer[view]
	next atomic.Pointer[state] // another logger's

	mu   sync.Mutex
	held ring
}

// view is the beginning of the invocation's records, encoded for one block of it.
type view struct{ block, prefix []byte }

// invocation finds the unit of work that ctx belongs to; nil outside of one, and
// for those who pass no context at all. It also says whether ctx may carry keys.
func (c *core) invocation(ctx context.Context) (inv *scope.Invocation, carries bool) {
	if ctx == nil {
		return nil, false
	}
	if inv := scope.Of(ctx); inv != nil {
		return inv, inv.Carries.Load()
	}
	if inv := scope.From(ctx); inv != nil {
		return inv, true
	}
	lc, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return nil, true
	}
	return c.looseInvocation(ctx, lc), true
}

// looseInvocation is one that nobody wrapped: the context of aws-lambda-go tells
// which it is. Nobody says when it ends, so the process keeps one, until another
// request comes; what that one held is gone then.
func (c *core) looseInvocation(ctx context.Context, lc *lambdacontext.LambdaContext) *scope.Invocation {
	inv := c.loose.Load()
	if inv != nil && inv.RequestID == lc.AwsRequestID {
		return inv
	}
	trace, _ := ctx.Value("x-amzn-trace-id").(string)
	inv = scope.Loose(scope.Start{
		RequestID: lc.AwsRequestID, Tenant: lc.TenantID, TraceID: rootOf(trace),
		Function: &scope.Function{
			ARN: lc.InvokedFunctionArn, Name: c.functionName(), Memory: c.functionMemory(), ColdUnknown: true,
		},
	})
	c.loose.Store(inv)
	return inv
}

func (c *core) functionName() string {
	if c.function.Name != "" {
		return c.function.Name
	}
	return lambdacontext.FunctionName
}

func (c *core) functionMemory() int {
	if c.function.Memory > 0 {
		return c.function.Memory
	}
	return lambdacontext.MemoryLimitInMB
}

// rootOf is the trace's id in a header "Root=1-...;Parent=...;Sampled=1".
func rootOf(header string) string {
	for field := range strings.SplitSeq(header, ";") {
		if id, ok := strings.CutPrefix(strings.TrimSpace(field), "Root="); ok {
			return id
		}
	}
	return ""
}

// stateOf is what this logger keeps for the invocation. More than one logger in a
// process is rare; then they are a list.
func (c *core) stateOf(inv *scope.Invocation) *state {
	st, _ := inv.Held(scope.Log).(*state)
	if st == nil {
		st, _ = inv.Hold(scope.Log, func() any { return &state{core: c} }).(*state)
	}
	for st.core != c {
		next := st.next.Load()
		if next == nil {
			st.next.CompareAndSwap(nil, &state{core: c})
			next = st.next.Load()
		}
		st = next
	}
	return st
}

// prefix is the beginning of the invocation's records, encoded anew only when the
// invocation says something new (its correlation id).
func (c *core) prefix(inv *scope.Invocation) []byte {
	st := c.stateOf(inv)
	block := inv.Block()
	if v := st.view.Load(); v != nil && same(v.block, block) {
		return v.prefix
	}
	v := &view{block: block, prefix: c.appendPrefix(make([]byte, 0, len(c.service)+len(block)+32), block)}
	st.view.Store(v)
	return v.prefix
}

// same says whether two slices are one.
func same(a, b []byte) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }
