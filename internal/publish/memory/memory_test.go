package memory_test

import (
	"reflect"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/publish"
	"gitlab.com/nines-sre/nines/internal/publish/memory"
	"gitlab.com/nines-sre/nines/internal/publish/publishtest"
)

func TestSuite(t *testing.T) {
	publishtest.Run(t, func(*testing.T) publishtest.Place {
		s := memory.New()
		return publishtest.Place{Sink: s, At: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), Value: func(_ *testing.T, want publish.Sample) (float64, bool) {
			for _, got := range s.Samples() {
				if got.Name == want.Name && got.At.Equal(want.At) && reflect.DeepEqual(got.Dimensions, want.Dimensions) {
					return got.Value, true
				}
			}
			return 0, false
		}}
	})
}
