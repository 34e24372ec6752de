package lambdatest

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// next hands an event to the runtime, when there is one.
func (s *sandbox) next(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.initError != nil {
		from := s.runtimeState()
		s.mu.Unlock()
		transition(invalidTransition, from, stateReady, "runtime").write(w)
		return
	}
	c := s.asked()
	turn := s.turn
	s.mu.Unlock()
	// A runtime with one worker that asks twice hung up in between: the event is for
	// the request that came last.
	if c == nil && !s.until(r.Context(), func() bool {
		if s.fn.concurrent() || turn == s.turn {
			c = s.take()
		}
		return c != nil
	}) {
		return // it hung up
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", c.in.RequestID)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(c.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", s.fn.arn())
	for name, value := range map[string]string{
		"Lambda-Runtime-Trace-Id": c.in.TraceID, "Lambda-Runtime-Client-Context": c.in.ClientContext,
		"Lambda-Runtime-Cognito-Identity": c.in.Identity, "Lambda-Runtime-Aws-Tenant-Id": c.in.Tenant,
	} {
		if value != "" {
			h.Set(name, value)
		}
	}
	_, _ = w.Write(c.in.Payload) // a process that is gone is noticed by its end
}

// claim gives an answer to the invocation that it is for, or refuses it.
func (s *sandbox) claim(r *http.Request, to string) (*call, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calls[r.PathValue("id")]
	switch {
	case c == nil:
		return nil, refuse(http.StatusBadRequest, invalidRequestID, "Invalid request ID")
	case c.late:
		delete(s.calls, c.in.RequestID)
		return nil, refuse(http.StatusGone, invokeTimeout, "Invoke timeout")
	case c.state != stateRunning:
		return nil, transition(invalidTransition, c.state, to, "runtime")
	}
	c.state, c.first, c.contentType = to, time.Now(), r.Header.Get("Content-Type")
	return c, nil
}

func (s *sandbox) response(w http.ResponseWriter, r *http.Request) {
	c, no := s.claim(r, stateResponse)
	if no != nil {
		no.write(w)
		return
	}
	switch mode := r.Header.Get("Lambda-Runtime-Function-Response-Mode"); mode {
	case "streaming":
		c.streamed = true
	case "":
	default:
		s.finish(c, nil, &FunctionError{Type: "Runtime.InvalidResponseModeHeader", Message: "the response mode is " + strconv.Quote(mode)})
		refuse(http.StatusBadRequest, invalidMode, "Invalid function response mode").write(w)
		return
	}
	body, err := readResponse(r.Body, c.in.Stream)
	switch {
	case errors.Is(err, errTooLarge):
		s.finish(c, nil, tooLargeError(len(body), c.in.Stream != nil))
		refuse(http.StatusRequestEntityTooLarge, tooLarge, "Exceeded maximum allowed payload size (%d bytes).", limit(c.in.Stream)).write(w)
	case err != nil:
		s.finish(c, body, &FunctionError{Type: "Runtime.TruncatedResponse", Message: "the response broke off: " + err.Error()})
		refuse(http.StatusBadRequest, truncated, "HTTP request detected as truncated").write(w)
	default:
		s.finish(c, body, trailerError(r.Trailer))
		accept(w)
	}
}

var errTooLarge = errors.New("the response has more bytes than the caller takes")

func limit(stream io.Writer) int {
	if stream != nil {
		return MaxStream
	}
	return MaxResponse
}

func tooLargeError(got int, streamed bool) *FunctionError {
	most := MaxResponse
	if streamed {
		most = MaxStream
	}
	return &FunctionError{
		Type:    "Function.ResponseSizeTooLarge",
		Message: "Response payload size exceeded maximum allowed payload size (" + strconv.Itoa(most) + " bytes): at least " + strconv.Itoa(got) + " bytes came.",
	}
}

// readResponse reads a response and hands it on as it comes. A caller that does
// not take it changes nothing for the function.
func readResponse(r io.Reader, stream io.Writer) (body []byte, err error) {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		body = append(body, buf[:n]...)
		if len(body) > limit(stream) {
			return body, errTooLarge
		}
		if n > 0 && stream != nil {
			_, _ = stream.Write(buf[:n])
		}
		if errors.Is(err, io.EOF) {
			return body, nil
		}
		if err != nil {
			return body, err
		}
	}
}

// trailerError is the failure that a runtime reports after it began to stream.
// (Developer guide, "Using the Lambda runtime API", Response streaming.)
func trailerError(trailer http.Header) *FunctionError {
	kind := trailer.Get("Lambda-Runtime-Function-Error-Type")
	if kind == "" {
		return nil
	}
	body, err := base64.StdEncoding.DecodeString(trailer.Get("Lambda-Runtime-Function-Error-Body"))
	if err != nil {
		body = nil
	}
	return readError(body, kind)
}

func (s *sandbox) failed(w http.ResponseWriter, r *http.Request) {
	c, no := s.claim(r, stateErrored)
	if no != nil {
		no.write(w)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxResponse+1))
	switch {
	case err != nil:
		s.finish(c, nil, &FunctionError{Type: "Runtime.TruncatedResponse", Message: "the error broke off: " + err.Error()})
		refuse(http.StatusBadRequest, truncated, "HTTP request detected as truncated").write(w)
	case len(body) > MaxResponse:
		s.finish(c, nil, tooLargeError(len(body), false))
		refuse(http.StatusRequestEntityTooLarge, tooLarge, "Exceeded maximum allowed payload size (%d bytes).", MaxResponse).write(w)
	default:
		s.finish(c, nil, reported(r, body))
		accept(w)
	}
}

// reported is a runtime's error report.
func reported(r *http.Request, body []byte) *FunctionError {
	out := readError(body, r.Header.Get("Lambda-Runtime-Function-Error-Type"))
	out.Trace = r.Header.Get("Lambda-Runtime-Function-Xray-Error-Cause")
	return out
}

func (s *sandbox) initFailed(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxResponse))
	if err != nil {
		refuse(http.StatusBadRequest, truncated, "HTTP request detected as truncated").write(w)
		return
	}
	s.mu.Lock()
	from := s.runtimeState()
	if from == stateStarted {
		s.initError = reported(r, body)
		s.initError.Init = true
		s.telemetry.emit("platform.initRuntimeDone", s.initRuntimeDone("error"))
		s.change()
	}
	s.mu.Unlock()
	if from != stateStarted {
		transition(invalidTransition, from, stateInitError, "runtime").write(w)
		return
	}
	accept(w)
}
