package memory_test

import (
	"testing"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify/memory"
	"gitlab.com/nines-sre/nines/internal/notify/notifytest"
)

func TestSuite(t *testing.T) {
	notifytest.Run(t, func(*testing.T) notifytest.World {
		m := &memory.Target{}
		return notifytest.World{
			Target: m,
			Got: func() (out []string) {
				told, _ := m.Told()
				for i := range told {
					out = append(out, told[i].Text())
				}
				return out
			},
			Fail: func(kind fault.Kind) {
				m.Fail, m.Times = fault.New(kind, "tell", "no", ""), 1
				if kind == fault.Internal {
					m.Times = 0
				}
			},
		}
	})
}
