package memory_test

import (
	"testing"

	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/ledger/ledgertest"
	"gitlab.com/nines-sre/nines/internal/ledger/memory"
)

func TestSuite(t *testing.T) {
	ledgertest.Run(t, func(testing.TB) ledgertest.Storage {
		l := memory.New()
		return func() ledger.Ledger { return l }
	})
}
