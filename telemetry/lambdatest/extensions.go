package lambdatest

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The events of the Extensions API.
const (
	invokeEvent   = "INVOKE"
	shutdownEvent = "SHUTDOWN"
)

// States of an extension, in the words of the API.
const (
	stateRegistered = "Registered"
	stateExitError  = "ExitError"
)

// maxExtensions is how many may register. (Developer guide, "Using the Lambda
// Extensions API", Init phase.)
const maxExtensions = 10

// Error types of the Extensions API. (Runtime interface emulator,
// internal/lambda/rapi/handler.)
const (
	invalidName        = "Extension.InvalidExtensionName"
	registrationClosed = "Extension.RegistrationClosed"
	unknownIdentifier  = "Extension.UnknownExtensionIdentifier"
	missingIdentifier  = "Extension.MissingExtensionIdentifier"
	badIdentifier      = "Extension.InvalidExtensionIdentifier"
	invalidState       = "Extension.InvalidExtensionState"
	missingHeader      = "Extension.MissingHeader"
	tooMany            = "Extension.TooManyExtensions"
	invalidEvent       = "Extension.InvalidEventType"
	invalidFormat      = "InvalidRequestFormat"
)

// extension is one that registered. Its state belongs to the sandbox's lock.
type extension struct {
	id, name string
	internal bool // a part of the function's process
	wants    map[string]bool
	events   []string // what it wants, in its order
	state    string
	pending  any  // the event it gets when it asks
	owes     bool // it must ask again before the invocation is over
}

func (x *extension) failed() bool { return x.state == stateInitError || x.state == stateExitError }

func (s *sandbox) register(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var in struct {
		Events            []string `json:"events"`
		ConfigurationKeys []string `json:"configurationKeys"`
	}
	name := r.Header.Get("Lambda-Extension-Name")
	switch {
	case name == "":
		refuse(http.StatusForbidden, invalidName, "Empty extension name").write(w)
		return
	case err == nil:
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		refuse(http.StatusForbidden, invalidFormat, "%v", err).write(w)
		return
	}
	if len(in.ConfigurationKeys) > 0 {
		refuse(http.StatusForbidden, invalidFormat, "configurationKeys are deprecated; use environment variables instead").write(w)
		return
	}
	x, no := s.admit(name, in.Events)
	if no != nil {
		no.write(w)
		return
	}
	out := map[string]string{"functionName": s.fn.Name, "functionVersion": s.fn.Version, "handler": "bootstrap"}
	for f := range strings.SplitSeq(r.Header.Get("Lambda-Extension-Accept-Feature"), ",") {
		if strings.TrimSpace(f) == "accountId" {
			out["accountId"] = account
		}
	}
	w.Header().Set("Lambda-Extension-Identifier", x.id)
	reply(w, http.StatusOK, out)
}

// admit registers an extension. One that is none of the external ones by its name
// lives in the function's process.
func (s *sandbox) admit(name string, events []string) (*extension, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := &extension{id: newID(), name: name, state: stateRegistered, wants: map[string]bool{}, events: events}
	x.internal = !slices.ContainsFunc(s.fn.Extensions, func(e Extension) bool { return e.Name == name })
	for _, e := range events {
		if why := s.unfit(e, x.internal); why != "" {
			return nil, refuse(http.StatusForbidden, invalidEvent, "%s: %s", e, why)
		}
		x.wants[e] = true
	}
	taken := slices.IndexFunc(s.extensions, func(o *extension) bool { return o.name == name })
	switch {
	case taken >= 0 && !x.internal:
		return nil, transition(invalidState, s.extensions[taken].state, stateRegistered, "extension "+name)
	case !s.ready.IsZero() || s.initError != nil || s.ending:
		return nil, refuse(http.StatusForbidden, registrationClosed, "Extension registration closed already")
	case taken >= 0:
		return nil, refuse(http.StatusForbidden, invalidState, "Extension with this name already registered")
	case len(s.extensions) >= maxExtensions:
		return nil, refuse(http.StatusForbidden, tooMany, "Extension limit (%d) reached", maxExtensions)
	}
	s.extensions = append(s.extensions, x)
	s.change()
	return x, nil
}

// unfit says why an extension may not register for an event.
func (s *sandbox) unfit(event string, internal bool) string {
	switch {
	case event == shutdownEvent && internal:
		return "ShutdownEventNotSupportedForInternalExtension"
	case event == invokeEvent && s.fn.concurrent():
		return "InvokeEventNotSupportedForConcurrentInvocations"
	case event == invokeEvent, event == shutdownEvent:
		return ""
	}
	return "ErrorInvalidEventType"
}

// identify finds the extension that asks.
func (s *sandbox) identify(r *http.Request) (*extension, *refusal) {
	id := r.Header.Get("Lambda-Extension-Identifier")
	if id == "" {
		return nil, refuse(http.StatusForbidden, missingIdentifier, "Missing Lambda-Extension-Identifier header")
	}
	if !isID(id) {
		return nil, refuse(http.StatusForbidden, badIdentifier, "Invalid Lambda-Extension-Identifier")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.extensions {
		if strings.EqualFold(x.id, id) {
			return x, nil
		}
	}
	return nil, refuse(http.StatusForbidden, unknownIdentifier, "Unknown extension %s", id)
}

// extensionNext hands an event to an extension, when there is one it wants.
func (s *sandbox) extensionNext(w http.ResponseWriter, r *http.Request) {
	x, no := s.identify(r)
	if no != nil {
		no.write(w)
		return
	}
	before := ""
	s.with(func() {
		before = x.state
		if x.failed() || x.state == stateReady {
			return
		}
		if x.state == stateRunning && x.pending == nil {
			x.owes = false
		}
		x.state = stateReady
	})
	if before != stateRegistered && before != stateRunning {
		transition(invalidState, before, stateReady, "extension "+x.id).write(w)
		return
	}
	if before == stateRegistered {
		s.telemetry.emit("platform.extension", map[string]any{"name": x.name, "state": stateReady, "events": nonNil(x.events)})
	}
	var event any
	if !s.until(r.Context(), func() bool {
		if event = x.pending; event != nil {
			x.pending, x.state = nil, stateRunning
		}
		return event != nil
	}) {
		s.with(func() { x.state = before }) // it hung up, and may ask again
		return
	}
	w.Header().Set("Lambda-Extension-Identifier", x.id)
	reply(w, http.StatusOK, event)
}

// extensionFailed takes an extension's report of its failure: the environment is
// done for.
func (s *sandbox) extensionFailed(state, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		x, no := s.identify(r)
		if no != nil {
			no.write(w)
			return
		}
		what := r.Header.Get("Lambda-Extension-Function-Error-Type")
		if what == "" {
			refuse(http.StatusForbidden, missingHeader, "Lambda-Extension-Function-Error-Type not found").write(w)
			return
		}
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20)) // what came says enough
		before, taken, initError := "", false, state == stateInitError
		s.with(func() {
			if before = x.state; x.failed() || initError && before != stateRegistered {
				return
			}
			x.state, x.owes, taken = state, false, true
			if s.fault == nil && !s.ending {
				s.fault = &FunctionError{Type: kind, Message: "the extension " + x.name + " reported " + what, Init: !s.initialized() || initError, Body: body}
				s.dead = true
			}
		})
		if !taken {
			transition(invalidState, before, state, "extension "+x.id).write(w)
			return
		}
		s.telemetry.emit("platform.extension", map[string]any{"name": x.name, "state": state, "events": nonNil(x.events), "errorType": what})
		accept(w)
	}
}

// invokeOf is the event that tells an extension of an invocation.
func (s *sandbox) invokeOf(c *call) any {
	out := map[string]any{
		"eventType": invokeEvent, "deadlineMs": c.deadline.UnixMilli(), "requestId": c.in.RequestID, "invokedFunctionArn": s.fn.arn(),
	}
	if c.in.TraceID != "" {
		out["tracing"] = tracing(c.in.TraceID)
	}
	return out
}

// shutdownOf is the event that tells an extension of the end.
func shutdownOf(reason string, end time.Time) any {
	return map[string]any{"eventType": shutdownEvent, "shutdownReason": reason, "deadlineMs": end.UnixMilli()}
}

func tracing(header string) map[string]string {
	return map[string]string{"type": "X-Amzn-Trace-Id", "value": header}
}

func nonNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
