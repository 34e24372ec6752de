package cloudwatchd

import (
	"fmt"
	"net/http"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/protocol"
)

// The errors of CloudWatch that this server gives, by their modeled names and
// the codes of the Query protocol.

func invalid(format string, a ...any) *protocol.Error {
	return &protocol.Error{Shape: "InvalidParameterValueException", Code: "InvalidParameterValue", Message: fmt.Sprintf(format, a...), Status: http.StatusBadRequest}
}

func combination(format string, a ...any) *protocol.Error {
	return &protocol.Error{Shape: "InvalidParameterCombinationException", Code: "InvalidParameterCombination", Message: fmt.Sprintf(format, a...), Status: http.StatusBadRequest}
}

func missing(format string, a ...any) *protocol.Error {
	return &protocol.Error{Shape: "MissingRequiredParameterException", Code: "MissingParameter", Message: fmt.Sprintf(format, a...), Status: http.StatusBadRequest}
}

func validation(format string, a ...any) *protocol.Error {
	return &protocol.Error{Shape: "ValidationException", Code: "ValidationError", Message: fmt.Sprintf(format, a...), Status: http.StatusBadRequest}
}

func badToken() *protocol.Error {
	return &protocol.Error{Shape: "InvalidNextToken", Code: "InvalidNextToken", Message: "The next token specified is invalid.", Status: http.StatusBadRequest}
}

func throttled() *protocol.Error {
	return &protocol.Error{Shape: "ThrottlingException", Code: "Throttling", Message: "Rate exceeded", Status: http.StatusBadRequest}
}

func internal(text string) *protocol.Error {
	return &protocol.Error{Shape: "InternalServiceFault", Code: "InternalServiceError", Message: text, Status: http.StatusInternalServerError, Server: true}
}

func unsupported(op string) *protocol.Error {
	return &protocol.Error{Shape: "UnsupportedOperationException", Code: "UnsupportedOperation", Message: op + " is an operation of CloudWatch that the local CloudWatch does not have", Status: http.StatusBadRequest}
}

func unknown(op string) *protocol.Error {
	return &protocol.Error{Shape: "UnknownOperationException", Code: "InvalidAction", Message: fmt.Sprintf("Could not find operation %s for version 2010-08-01", op), Status: http.StatusBadRequest}
}
