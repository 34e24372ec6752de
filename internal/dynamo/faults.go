package dynamo

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"gitlab.com/nines-sre/nines/internal/fault"
)

const (
	hintTable  = "make the table with `nines store create`, or name another one with --store"
	hintDenied = "check the credentials, and that they may read and write this table"
	hintSlow   = "the table is asked too much; try again, or lift its limits"
	hintAway   = "check the network and the endpoint; try again"
	hintLarge  = "a row of DynamoDB holds 400 KB, a transaction 100 rows and 4 MB"
)

// translate classifies an error of the service. An error that is classified
// already keeps its kind.
func translate(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if ctx.Err() != nil {
		return fault.Wrap(fault.Canceled, op, ctx.Err(), "")
	}
	kind, hint := kindOf(err)
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		// The SDK's own sentence is mostly about HTTP.
		return fault.New(kind, op, strings.TrimSuffix(api.ErrorCode()+": "+api.ErrorMessage(), ": "), hint)
	}
	return fault.Wrap(kind, op, err, hint)
}

// kindOf reads the service's code. An error without one never reached it, or its
// answer never came back.
func kindOf(err error) (fault.Kind, string) {
	if tc, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		return reasonKind(tc.CancellationReasons)
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		if strings.Contains(err.Error(), "credential") {
			return fault.Denied, hintDenied
		}
		return fault.Unavailable, hintAway
	}
	switch code := api.ErrorCode(); code {
	case "ConditionalCheckFailedException", "TransactionConflictException":
		return fault.Conflict, ""
	case "ResourceNotFoundException":
		return fault.NotFound, hintTable
	case "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "LimitExceededException":
		return fault.Throttled, hintSlow
	case "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException",
		"MissingAuthenticationTokenException", "IncompleteSignatureException", "ExpiredToken", "AccessDenied":
		return fault.Denied, hintDenied
	case "ItemCollectionSizeLimitExceededException":
		return fault.Full, hintLarge
	case "ValidationException":
		if strings.Contains(api.ErrorMessage(), "size") {
			return fault.Full, hintLarge
		}
		if strings.Contains(api.ErrorMessage(), "schema") {
			return fault.Invalid, "the table is of another program: it needs the string keys pk and sk"
		}
		return fault.Internal, ""
	}
	if api.ErrorFault() == smithy.FaultServer || strings.Contains(api.ErrorCode(), "InternalServerError") {
		return fault.Unavailable, hintAway
	}
	return fault.Unavailable, ""
}

// reasonKind reads why a transaction was canceled; a failed condition counts
// before all others.
func reasonKind(reasons []types.CancellationReason) (fault.Kind, string) {
	kind, hint := fault.Unavailable, hintAway
	for _, r := range reasons {
		switch value(r.Code) {
		case "ConditionalCheckFailed":
			return fault.Conflict, ""
		case "TransactionConflict":
			kind, hint = fault.Conflict, ""
		case "ProvisionedThroughputExceeded", "ThrottlingError":
			kind, hint = fault.Throttled, hintSlow
		case "ItemCollectionSizeLimitExceeded", "ValidationError":
			kind, hint = fault.Full, hintLarge
		}
	}
	return kind, hint
}

func value(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
