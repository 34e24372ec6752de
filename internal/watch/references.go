package watch

import (
	"fmt"

	"gitlab.com/nines-sre/nines/internal/judge/eprocess"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// least is how many measured minutes and requests make a reference.
const (
	leastMinutes = 5
	leastShare   = 0.5 // of the minutes of the watch
)

// reference is what a metric is held against.
type reference struct {
	name   string
	counts Counts
	tally  Tally // of the whole stretch
	spread float64
}

// references are those of a metric: the stretch before the deployment, and the same
// hours of earlier weeks put together. strange are weeks that are left out because
// they were worse than the others.
func references(m *Metric, p *Policy) (out []reference, strange []int) {
	if usable(&m.Before, p.Duration) {
		out = append(out, newReference("before", m.Before))
	}
	var weeks []*Week
	for i := range m.Weeks {
		if w := &m.Weeks[i]; w.Without == "" && usable(&w.Counts, p.Duration) {
			weeks = append(weeks, w)
		}
	}
	kept := weeks
	// With two weeks nobody knows which of them is the strange one.
	if len(weeks) > 2 {
		kept = nil
		for i, w := range weeks {
			others := make([]*Week, 0, len(weeks)-1)
			others = append(append(others, weeks[:i]...), weeks[i+1:]...)
			sum := together(others, p.Duration)
			if worse(&w.Counts, &sum, p) {
				strange = append(strange, w.Back)
				continue
			}
			kept = append(kept, w)
		}
	}
	if len(kept) > 0 {
		out = append(out, newReference("weeks", together(kept, p.Duration)))
	}
	return out, strange
}

func newReference(name string, c Counts) reference {
	return reference{name: name, counts: c, tally: c.tally(len(c.Total)), spread: dispersion(&c)}
}

// usable says whether a stretch can be a reference.
func usable(c *Counts, minutes slo.Minute) bool {
	t := c.tally(len(c.Total))
	return t.Total > 0 && t.Minutes >= int(min(leastMinutes, minutes)) && float64(t.Minutes) >= leastShare*float64(minutes)
}

// together adds weeks up, minute by minute. A test against the sum is one against
// the mean of their shares, weighed by requests: that the weeks differ makes it no
// less sound, because the logarithm is concave.
func together(weeks []*Week, minutes slo.Minute) Counts {
	out := Counts{Total: make([]int64, minutes), Bad: make([]int64, minutes)}
	for i := range out.Total {
		out.Total[i] = Unmeasured
		for _, w := range weeks {
			total, bad, ok := w.Counts.arm(i)
			if !ok {
				continue
			}
			out.Total[i], out.Bad[i] = max(out.Total[i], 0)+total, out.Bad[i]+bad
		}
	}
	return out
}

// worse says whether one stretch is sure to be worse than another. Both lie before
// the deployment: what is chosen by it is chosen before the first look.
func worse(a, than *Counts, p *Policy) bool {
	t := than.tally(len(than.Total))
	e := eprocess.NewMargin(eprocess.Options{Margin: p.Margin, Prior: prior(t)})
	for i := range int(p.Duration) {
		if m := paired(a, than, i); m.ok {
			e.Add(m.refTotal, m.refBad, m.total, m.bad)
		}
	}
	return e.Log()/dispersion(than) >= Bar(p)
}

// disagree says how two references of a metric differ; "": they do not.
func disagree(m *Metric, refs []reference, p *Policy) string {
	if len(refs) < 2 {
		return ""
	}
	b, w := &refs[0], &refs[1]
	text := fmt.Sprintf("%s: %s of the requests were bad just before the deployment, %s in the same hours of earlier weeks",
		m.Name, rateText(b.tally), rateText(w.tally))
	switch {
	case worse(&b.counts, &w.counts, p):
		return text + ": something was wrong before it already"
	case worse(&w.counts, &b.counts, p):
		return text + ": at this hour more is usual"
	}
	return ""
}

func rateText(t Tally) string {
	r := t.Rate()
	if r == nil {
		return "none"
	}
	return percent(*r)
}
