package dynamodbd

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strings"
	"time"
)

type transactInput struct {
	TransactItems []struct {
		Put            *putInput
		Delete         *deleteInput
		ConditionCheck *deleteInput
	}
	ClientRequestToken     string
	ReturnConsumedCapacity string
}

type reason struct {
	Code    string
	Message string `json:",omitempty"`
	Item    item   `json:",omitempty"`
}

const (
	maxTransactItems = 100
	maxTransactBytes = 4 << 20
	tokenLife        = 10 * time.Minute
)

func (s *Server) transactWriteItems(in *transactInput) (any, *failure) {
	if n := len(in.TransactItems); n == 0 || n > maxTransactItems {
		return nil, invalidf("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length between 1 and %d", maxTransactItems)
	}
	digest, again, fail := s.answered(in)
	if fail != nil {
		return nil, fail
	}
	writes, units, fail := s.prepareAll(in)
	if fail != nil {
		return nil, fail
	}
	if again {
		// Read to see that it was done: that costs reads, not writes.
		s.spent.Reads += units
		return transactAnswer(in, writes, 0), nil
	}
	s.spent.Writes += units
	if fail := canceled(writes); fail != nil {
		return nil, fail
	}
	for i := range writes {
		writes[i].apply()
	}
	if in.ClientRequestToken != "" {
		s.tokens[in.ClientRequestToken] = token{s.now(), digest}
	}
	return transactAnswer(in, writes, units), nil
}

// answered says whether a transaction with this token was done already.
func (s *Server) answered(in *transactInput) (digest uint32, again bool, fail *failure) {
	data, err := json.Marshal(in.TransactItems)
	if err != nil {
		return 0, false, invalid(err.Error())
	}
	digest = crc32.ChecksumIEEE(data)
	old, ok := s.tokens[in.ClientRequestToken]
	if !ok || s.now().Sub(old.at) > tokenLife {
		return digest, false, nil
	}
	if old.digest != digest {
		return 0, false, &failure{code: "IdempotentParameterMismatchException", message: "another request was sent with this token"}
	}
	return digest, true, nil
}

func (s *Server) prepareAll(in *transactInput) (writes []write, units float64, fail *failure) {
	seen, bytes := map[[3]string]bool{}, 0
	for _, ti := range in.TransactItems {
		var w write
		switch {
		case ti.Put != nil:
			w, fail = s.prepare(&ti.Put.conditional, ti.Put.Item, false)
		case ti.Delete != nil:
			w, fail = s.prepare(&ti.Delete.conditional, ti.Delete.Key, true)
		case ti.ConditionCheck != nil:
			w, fail = s.prepare(&ti.ConditionCheck.conditional, ti.ConditionCheck.Key, true)
			w.after = w.before
		default:
			fail = invalid("TransactItems can only contain one of Check, Put, Update or Delete")
		}
		if fail != nil {
			return nil, 0, fail
		}
		key := [3]string{w.t.name, w.pk, w.sk}
		if seen[key] {
			return nil, 0, invalid("Transaction request cannot include multiple operations on one item")
		}
		seen[key] = true
		bytes += max(w.before.size(), w.after.size())
		// Each write is done twice: once to prepare, once to commit.
		w.units *= 2
		units += w.units
		writes = append(writes, w)
	}
	if bytes > maxTransactBytes {
		return nil, 0, invalid("Collection size of items in transaction exceeded the limit of 4 MB")
	}
	return writes, units, nil
}

// canceled is the refusal of a transaction one of whose conditions failed.
func canceled(writes []write) *failure {
	reasons, codes, failed := make([]reason, len(writes)), make([]string, len(writes)), false
	for i, w := range writes {
		reasons[i].Code = "None"
		if !w.holds {
			failed = true
			reasons[i] = reason{Code: "ConditionalCheckFailed", Message: "The conditional request failed"}
			if w.back {
				reasons[i].Item = w.before
			}
		}
		codes[i] = reasons[i].Code
	}
	if !failed {
		return nil
	}
	return &failure{
		code:    "TransactionCanceledException",
		message: fmt.Sprintf("Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", ")),
		fields:  map[string]any{"CancellationReasons": reasons},
	}
}

func transactAnswer(in *transactInput, writes []write, units float64) any {
	var out struct {
		ConsumedCapacity []*consumed `json:",omitempty"`
	}
	if c := report(in.ReturnConsumedCapacity, writes[0].t.name, units); c != nil {
		c.WriteCapacityUnits = &units
		out.ConsumedCapacity = append(out.ConsumedCapacity, c)
	}
	return out
}
