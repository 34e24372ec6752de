package dynamodb_test

import (
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/dynamodbd/dynamodbtest"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/ledger/dynamodb"
	"gitlab.com/nines-sre/nines/internal/ledger/ledgertest"
	"gitlab.com/nines-sre/nines/internal/testkit/cases"
)

func TestSuite(t *testing.T) {
	cases.Few(t, "5")
	service := dynamodbtest.Start(t, time.Now)
	ledgertest.Run(t, func(t testing.TB) ledgertest.Storage {
		open := dynamodbtest.Fresh(t, service, nil)
		return func() ledger.Ledger { return dynamodb.New(open()) }
	})
}

// TestSuiteUnderTrouble runs the same suite while a quarter of the requests are
// throttled, broken off, or done without an answer: no entry is lost, none is
// recorded twice.
func TestSuiteUnderTrouble(t *testing.T) {
	cases.Few(t, "5")
	service := dynamodbtest.Start(t, time.Now)
	ledgertest.Run(t, func(t testing.TB) ledgertest.Storage {
		open := dynamodbtest.Fresh(t, service, dynamodbtest.Troubles(3))
		return func() ledger.Ledger { return dynamodb.New(open()) }
	})
}
