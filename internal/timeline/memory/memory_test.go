package memory_test

import (
	"testing"

	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/memory"
	"gitlab.com/nines-sre/nines/internal/timeline/timelinetest"
)

func TestSuite(t *testing.T) {
	timelinetest.Run(t, func(testing.TB) timelinetest.Storage {
		s := memory.New()
		return func() timeline.Store { return s }
	})
}
