package lambdatest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// routes are the APIs that AWS_LAMBDA_RUNTIME_API leads to. What is none of them
// gets the mux's own 404 and 405.
func (s *sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	// Developer guide, "Using the Lambda runtime API for custom runtimes".
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", s.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", s.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", s.failed)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", s.initFailed)
	// Developer guide, "Using the Lambda Extensions API to create extensions".
	mux.HandleFunc("POST /2020-01-01/extension/register", s.register)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", s.extensionNext)
	mux.HandleFunc("POST /2020-01-01/extension/init/error", s.extensionFailed(stateInitError, "Extension.InitError"))
	mux.HandleFunc("POST /2020-01-01/extension/exit/error", s.extensionFailed(stateExitError, "Extension.ExitError"))
	// Developer guide, "Lambda Telemetry API reference".
	mux.HandleFunc("PUT /2022-07-01/telemetry", s.subscribe)
	return mux
}

// Error types of the Runtime API. (Runtime interface emulator, internal/lambda/rapi.)
const (
	invalidRequestID  = "InvalidRequestID"
	invalidTransition = "InvalidStateTransition"
	invalidMode       = "InvalidFunctionResponseMode"
	tooLarge          = "RequestEntityTooLarge"
	truncated         = "TruncatedHTTPRequest"
	invokeTimeout     = "InvokeTimeout"
)

// refusal is an error of an API.
type refusal struct {
	status int
	Type   string `json:"errorType"`
	Text   string `json:"errorMessage"`
}

func refuse(status int, kind, format string, args ...any) *refusal {
	return &refusal{status: status, Type: kind, Text: fmt.Sprintf(format, args...)}
}

// transition refuses what does not fit the state something is in.
func transition(kind, from, to, of string) *refusal {
	return refuse(http.StatusForbidden, kind, "State transition from %s to %s failed for %s. Error: State transition is not allowed", from, to, of)
}

func (r *refusal) write(w http.ResponseWriter) { reply(w, r.status, r) }

// accept is the answer to what needs none.
func accept(w http.ResponseWriter) {
	reply(w, http.StatusAccepted, map[string]string{"status": "OK"})
}

func reply(w http.ResponseWriter, status int, what any) {
	body, _ := json.Marshal(what) // strings always can be
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a process that is gone is noticed by its end
}

// milliseconds are a duration as Lambda reports it.
func milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()/10) / 100
}
