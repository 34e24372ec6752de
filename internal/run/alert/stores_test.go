package alert_test

import (
	"path/filepath"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/dynamodbd/dynamodbtest"
	"gitlab.com/nines-sre/nines/internal/sqlitedb"
	"gitlab.com/nines-sre/nines/internal/testkit/cases"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/dynamodb"
	"gitlab.com/nines-sre/nines/internal/timeline/memory"
	"gitlab.com/nines-sre/nines/internal/timeline/sqlite"
)

// opener opens an empty store.
type opener func(testing.TB) timeline.Store

// everywhere runs a test on every kind of store.
func everywhere(t *testing.T, test func(*testing.T, opener)) {
	t.Run("memory", func(t *testing.T) {
		cases.Few(t, "40")
		test(t, func(testing.TB) timeline.Store { return memory.New() })
	})
	t.Run("sqlite", func(t *testing.T) {
		cases.Few(t, "10")
		test(t, func(t testing.TB) timeline.Store {
			db, err := sqlitedb.Open(t.Context(), filepath.Join(t.TempDir(), "nines.db"), sqlitedb.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			return sqlite.New(db)
		})
	})
	t.Run("dynamodb", func(t *testing.T) {
		cases.Few(t, "3")
		service := dynamodbtest.Start(t, time.Now)
		test(t, func(t testing.TB) timeline.Store { return dynamodb.New(dynamodbtest.Fresh(t, service, nil)()) })
	})
	t.Run("dynamodb in trouble", func(t *testing.T) {
		cases.Few(t, "3")
		service := dynamodbtest.Start(t, time.Now)
		test(t, func(t testing.TB) timeline.Store {
			return dynamodb.New(dynamodbtest.Fresh(t, service, dynamodbtest.Troubles(7))())
		})
	})
}
