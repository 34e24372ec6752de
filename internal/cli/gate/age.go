package gate

import (
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// holdToAge holds the objectives to --max-age, how old what the answer rests on
// may be, where their documents allow more; older evidence is stale then. 0 is
// what the sources have when this very call asks them. (The gate decides anew at
// every call and reuses no decision; what can be old is the evidence.)
func holdToAge(h *host.Host, text string, c *config.Catalog) error {
	if text == "" {
		return nil
	}
	limit := time.Duration(0)
	if text != "0" {
		var err error
		if limit, err = host.ParseDuration("--max-age", text); err != nil {
			return err
		}
		if limit < time.Minute {
			return fault.New(fault.Invalid, "--max-age "+text, "evidence comes in minutes", "write 0 for the newest there is, or at least 1m")
		}
	}
	switch {
	case h.At != "":
		return fault.New(fault.Invalid, "--max-age and --at", "one is about now, the other about another time", "leave one of the two out")
	case limit == 0 && h.Offline:
		return fault.New(fault.Invalid, "--max-age 0 and --offline", "one asks the sources, the other does not", "leave one of the two out")
	case limit == 0:
		return nil
	}
	most := slo.Minute(limit / time.Minute)
	for i := range c.Objectives {
		if o := &c.Objectives[i]; o.MaxAge == 0 || o.MaxAge > most {
			o.MaxAge = most
		}
	}
	return nil
}
