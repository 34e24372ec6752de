package telemetry

import (
	"context"
	"fmt"
	"reflect"

	"github.com/aws/aws-lambda-go/lambda"
)

// Wrap gives handler logs, metrics and traces, and returns what lambda.Start
// takes in its place:
//
//	lambda.Start(telemetry.Wrap(handle))
//
// The handler may be anything lambda.Start takes: a function of any of its
// signatures (then the result is a function too, with the context first), also one
// that streams its answer, or a [lambda.Handler]. Answers, errors and panics pass
// through as they are. Something lambda.Start would refuse is returned untouched,
// so that the refusal is its own.
func Wrap(handler any, opts ...Option) any { return New(opts...).Wrap(handler) }

// Wrap is [Wrap] with a Telemetry that exists already.
func (t *Telemetry) Wrap(handler any) any {
	t.attach()
	if h, ok := handler.(lambda.Handler); ok {
		return bytesHandler{t, h}
	}
	s, err := signatureOf(handler)
	if err != nil {
		t.problem("the handler is not wrapped: " + err.Error())
		return handler
	}
	return reflect.MakeFunc(s.wrapped(), func(args []reflect.Value) []reflect.Value {
		return t.call(s, args)
	}).Interface()
}

// bytesHandler wraps the kind of handler that gets and gives bytes.
type bytesHandler struct {
	t    *Telemetry
	next lambda.Handler
}

// Invoke implements lambda.Handler.
func (h bytesHandler) Invoke(ctx context.Context, payload []byte) (out []byte, err error) {
	u := h.t.begin(ctx)
	defer u.end(&err)
	u.event(payload)
	return h.next.Invoke(u.ctx, payload)
}

// call is one invocation of a handler that is a function.
func (t *Telemetry) call(s signature, args []reflect.Value) (out []reflect.Value) {
	ctx, _ := reflect.TypeAssert[context.Context](args[0])
	if ctx == nil {
		ctx = context.Background()
	}
	u := t.begin(ctx)
	var err error
	defer u.end(&err)
	if len(args) > 1 {
		u.event(args[1].Interface())
	}
	if s.takesContext {
		args[0] = reflect.ValueOf(u.ctx)
	} else {
		args = args[1:]
	}
	out = s.fn.Call(args)
	if n := len(out); n > 0 {
		err, _ = reflect.TypeAssert[error](out[n-1])
	}
	if len(out) > 1 {
		u.answer(out[0])
	}
	return out
}

// signature is a handler's, by the rules of lambda.Start.
type signature struct {
	fn           reflect.Value
	takesContext bool
}

//nolint:gochecknoglobals // two types, never changed
var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
)

func signatureOf(handler any) (signature, error) {
	fn := reflect.ValueOf(handler)
	if !fn.IsValid() || fn.Kind() != reflect.Func || fn.IsNil() {
		return signature{}, fmt.Errorf("want a function or a lambda.Handler, got %T", handler)
	}
	typ := fn.Type()
	s := signature{fn: fn, takesContext: typ.NumIn() > 0 && isContext(typ.In(0))}
	in := typ.NumIn()
	if s.takesContext {
		in--
	}
	switch {
	case typ.IsVariadic() || in > 1:
		return s, fmt.Errorf("%s takes more than a context and an event", typ)
	case typ.NumOut() > 2:
		return s, fmt.Errorf("%s returns more than a result and an error", typ)
	case typ.NumOut() > 0 && !typ.Out(typ.NumOut()-1).Implements(errorType):
		return s, fmt.Errorf("the last result of %s is no error", typ)
	}
	return s, nil
}

func isContext(t reflect.Type) bool {
	return t.Kind() == reflect.Interface && t.Implements(contextType) && contextType.Implements(t)
}

// wrapped is the type of the function around it: the same, with a context.
func (s signature) wrapped() reflect.Type {
	typ := s.fn.Type()
	in := []reflect.Type{contextType}
	for i := range typ.NumIn() {
		if i > 0 || !s.takesContext {
			in = append(in, typ.In(i))
		}
	}
	var out []reflect.Type
	for out0 := range typ.Outs() {
		out = append(out, out0)
	}
	return reflect.FuncOf(in, out, false)
}
