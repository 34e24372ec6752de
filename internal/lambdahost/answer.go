package lambdahost

import (
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"gitlab.com/nines-sre/nines/internal/cli/status"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/publish"
	"gitlab.com/nines-sre/nines/internal/run/poll"
)

// Answer is what the function answers. Fields are added, never renamed.
type Answer struct {
	Do string    `json:"do"`
	OK bool      `json:"ok"`
	At time.Time `json:"at"`
	// ExitCode is what the same call of the command line would end with: a
	// pipeline hands it on.
	ExitCode int            `json:"exit_code"`
	Measure  *Measured      `json:"measure,omitempty"`
	Status   *status.Answer `json:"status,omitempty"`
	Gate     *Gate          `json:"gate,omitempty"`
	Error    *Failure       `json:"error,omitempty"`
}

// Measured is what measuring did.
type Measured struct {
	poll.Tick
	// Unfinished says that time ran out: what is recorded stays, the rest is asked
	// for at the next invocation.
	Unfinished bool `json:"unfinished,omitempty"`
	// USD is what the metrics requested cost at list price.
	USD       float64          `json:"usd"`
	Published *publish.Receipt `json:"published,omitempty"`
}

// Gate is the gate's answer.
type Gate struct {
	decision.Decision
	Advice []string `json:"advice,omitempty"`
}

// Failure is an error that trying again does not mend.
type Failure struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func failureOf(err error) *Failure {
	return &Failure{Kind: fault.KindOf(err).String(), Message: err.Error(), Hint: fault.HintOf(err)}
}

// again says whether an error is to be the function's: then Lambda tries the
// event again, and keeps it in the dead-letter queue in the end. That helps
// where time may help. A defect of ours is told that way too, so that it is
// counted. What a person has to mend (a document, a permission) is answered
// instead: repeating it would only make noise, and the alarm on measuring goes
// off all the same.
func again(err error) bool {
	kind := fault.KindOf(err)
	return kind.Retry() || kind == fault.Internal || kind == fault.Canceled
}

// functionError is an error in Lambda's words; its type is the kind's name.
func functionError(err error) error {
	text := err.Error()
	if hint := fault.HintOf(err); hint != "" {
		text += " (" + hint + ")"
	}
	return messages.InvokeResponse_Error{Type: "Nines." + typeName(fault.KindOf(err)), Message: text}
}

// typeName writes a kind's name without spaces: "InternalError".
func typeName(k fault.Kind) string {
	var b strings.Builder
	for word := range strings.FieldsSeq(k.String()) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}
