package memory_test

import (
	"testing"

	"gitlab.com/nines-sre/nines/internal/config/configtest"
	"gitlab.com/nines-sre/nines/internal/config/memory"
)

func TestSuite(t *testing.T) {
	configtest.Run(t, func(*testing.T) configtest.Place {
		s := memory.New("mem://docs")
		return configtest.Place{
			Source: s, Many: 3, Hidden: true,
			Name:   func(name string) string { return "mem://docs/" + name },
			Put:    func(_ *testing.T, name, data string) { s.Put(name, []byte(data)) },
			Delete: func(_ *testing.T, name string) { s.Delete(name) },
		}
	})
}
