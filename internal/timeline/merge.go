package timeline

import "gitlab.com/nines-sre/nines/internal/slo"

// rule says how minutes of one write meet those that are kept.
type rule struct {
	settled slo.Minute // minutes before it are final
	derived bool       // the write follows from what is kept and is always right
}

// merge lays fresh minutes over old ones; both are ascending, as offsets from
// base. The rules, in order:
//
//   - an unmeasured minute is filled, however old it is;
//   - derived minutes replace whatever lies in [from, to), at any age;
//   - coarse data never replaces finer data;
//   - a settled minute is final, also for finer data: anything else would be a
//     rebuild;
//   - an unsettled minute takes the newer answer.
//
// The result is old itself when nothing changed.
func (r rule) merge(old, fresh []minute, base slo.Minute, from, to int) ([]minute, Changes) {
	var ch Changes
	out := make([]minute, 0, len(old)+len(fresh))
	i, j := 0, 0
	for i < len(old) || j < len(fresh) {
		switch {
		case j == len(fresh) || i < len(old) && old[i].off < fresh[j].off:
			if r.derived && old[i].off >= from && old[i].off < to {
				ch.Replaced++
			} else {
				out = append(out, old[i])
			}
			i++
		case i == len(old) || fresh[j].off < old[i].off:
			out = append(out, fresh[j])
			ch.Filled++
			j++
		default:
			m, what := r.meet(old[i], fresh[j], base)
			ch = ch.plus(what)
			out = append(out, m)
			i, j = i+1, j+1
		}
	}
	if ch.Filled == 0 && ch.Replaced == 0 {
		return old, ch
	}
	return out, ch
}

// meet decides between two answers for one minute.
func (r rule) meet(old, fresh minute, base slo.Minute) (minute, Changes) {
	switch {
	case old == fresh:
		return old, Changes{}
	case r.replaces(old, fresh, base):
		return fresh, Changes{Replaced: 1}
	default:
		return old, Changes{Kept: 1}
	}
}

func (r rule) replaces(old, fresh minute, base slo.Minute) bool {
	if r.derived {
		return true
	}
	return fresh.width <= old.width && base+slo.Minute(fresh.off) >= r.settled
}

func (c Changes) plus(o Changes) Changes {
	return Changes{c.Filled + o.Filled, c.Replaced + o.Replaced, c.Kept + o.Kept}
}
