package slo

import (
	"math"
	"math/big"
	"sort"
)

// forecast follows the spent share of a budget into the future: bad events keep
// arriving at the rate of a look-back, old ones leave a rolling window minute by
// minute. Traffic is taken to go on as it is in the window: what arrives equals
// what leaves, and a window that is not full yet grows by its mean. So the
// allowed budget is that of the window, scaled by its expected steps.
type forecast struct {
	m       *model
	limit   Decimal
	falling bool // looking for share < limit instead of share >= limit
	rolling bool
	tracks  []trend
}

// trend is a track on its way: bad/per arrive each step.
type trend struct {
	bad  Amount
	per  int64
	rate float64
	// scale turns bad events into a share of the budget; 0 for a track without
	// traffic.
	scale float64
}

// exhausts is the time until spent >= allowed if bad keeps arriving as in a
// look-back: 0 when it is so already, nil when never or not known.
func (m *model) exhausts(l *look) *Minute {
	f, ok := m.forecast(l, one(), false)
	if !ok {
		return nil
	}
	return f.first()
}

// Reopening is the time until the level is neither exhausted nor critical any
// more (remaining > 0.10), if bad keeps arriving as in the last hour and old
// errors leave the window. It is nil when the level is not closed, or when no
// such time can be foreseen. The spans are as Evaluate's. It looks at the level
// alone: conditions that fire may keep a gate closed for longer.
func Reopening(in Input) (*Minute, []Span) {
	var m model
	if !m.load(in) {
		return nil, nil
	}
	l := look{length: Hour, tracks: make([]Stretch, len(m.tracks))}
	for i := range m.tracks {
		l.tracks[i] = m.tracks[i].view.Sum(m.lookback(Hour))
	}
	f, ok := m.forecast(&l, Decimal{9, 1}, true)
	if !ok || f.hit(0, f.none()) {
		return nil, m.asked()
	}
	return f.first(), m.asked()
}

// forecast prepares to look for a limit; ok is false when nothing is known.
func (m *model) forecast(l *look, limit Decimal, falling bool) (forecast, bool) {
	f := forecast{m: m, limit: limit, falling: falling, tracks: make([]trend, len(m.tracks))}
	_, f.rolling = m.o.Window.(Rolling)
	if !m.known() {
		return f, false
	}
	for i := range m.tracks {
		t, s := &m.tracks[i], &l.tracks[i]
		if s.Measured <= 0 || impossible(s.Count) {
			return f, false
		}
		f.tracks[i] = trend{bad: s.Bad(), per: s.Measured, rate: float64(s.Bad()) / float64(s.Measured)}
		if t.sum.Total > 0 && t.base.positive() {
			f.tracks[i].scale = t.weight.Float() / (t.budget.Float() * t.base.float())
		}
	}
	return f, true
}

// none is nothing having left.
func (f *forecast) none() []portion { return make([]portion, len(f.tracks)) }

// first finds the first step at which the limit is met, as minutes from the end
// of the window.
func (f *forecast) first() *Minute {
	if f.hit(0, f.none()) {
		return new(Minute(0))
	}
	var k int64
	var ok bool
	if f.rolling {
		k, ok = f.expire()
	} else {
		k, ok = f.reset()
	}
	if !ok {
		return nil
	}
	// Steps lie on the grid; the frontier may be inside one.
	begun := f.m.at - floor(f.m.at, f.m.step)
	return new(Minute(k)*f.m.step - begun)
}

// grown is a track's expected steps after k more, when some have left.
func (f *forecast) grown(i int, k int64, left portion) int64 {
	e := f.m.tracks[i].sum.Expected
	if !f.rolling {
		return e
	}
	return e + k - left.expected
}

// share is the spent share of the budget after k more steps: approximately.
func (f *forecast) share(k int64, left []portion) float64 {
	var s float64
	for i := range f.tracks {
		t := &f.tracks[i]
		if t.scale == 0 {
			continue
		}
		sum := &f.m.tracks[i].sum
		bad := float64(sum.Bad()-left[i].bad) + float64(k)*t.rate
		s += t.scale * bad * float64(sum.Expected) / float64(f.grown(i, k, left[i]))
	}
	return s
}

// exact is share without rounding.
func (f *forecast) exact(k int64, left []portion) *big.Rat {
	s := new(big.Rat)
	for i := range f.tracks {
		if f.tracks[i].scale == 0 {
			continue
		}
		t := &f.m.tracks[i]
		x := term{bad: t.sum.Bad() - left[i].bad, base: t.base, budget: t.budget, weight: t.weight}.rat()
		y := term{bad: f.tracks[i].bad, base: t.base, budget: t.budget, weight: t.weight}.rat()
		x.Add(x, y.Mul(y, big.NewRat(k, f.tracks[i].per)))
		s.Add(s, x.Mul(x, big.NewRat(t.sum.Expected, f.grown(i, k, left[i]))))
	}
	return s
}

// hit says whether the limit is met after k steps, exactly.
func (f *forecast) hit(k int64, left []portion) bool {
	c := compareFar(f.share(k, left), f.limit.Float())
	if c == 0 {
		c = f.exact(k, left).Cmp(f.limit.Rat())
	}
	return (c < 0) == f.falling
}

// possible says whether the limit could be met inside a part: whether it would
// be if everything came in the most favourable order.
func (f *forecast) possible(k, n int64, left, after []portion) bool {
	const slack = 1e-9 // more than rounding, so that no hit is missed
	arrived := left
	if f.falling {
		arrived, k, n = after, k+n, -n
	}
	var s float64
	for i := range f.tracks {
		if f.tracks[i].scale == 0 {
			continue
		}
		sum := &f.m.tracks[i].sum
		bad := float64(sum.Bad()-arrived[i].bad) + float64(k+n)*f.tracks[i].rate
		s += f.tracks[i].scale * bad * float64(sum.Expected) / float64(f.grown(i, k, arrived[i]))
	}
	if f.falling {
		return s < f.limit.Float()*(1+slack)
	}
	return s >= f.limit.Float()*(1-slack)
}

// expire walks the window from its oldest end, day by day, as it leaves.
func (f *forecast) expire() (int64, bool) {
	m := f.m
	n := steps(m.window, m.step)
	// With nothing leaving at all, most budgets last; then no day is summed.
	if !f.falling && !f.possible(0, n, f.none(), f.none()) {
		return 0, false
	}
	left, after := f.none(), f.none()
	var k int64
	for _, p := range m.days() {
		n := steps(p.span, m.step)
		for i := range after {
			after[i].bad = left[i].bad + p.tracks[i].bad
			after[i].expected = left[i].expected + p.tracks[i].expected
		}
		if f.possible(k, n, left, after) {
			if at, ok := f.inside(p, k, left, after); ok {
				return at, true
			}
		}
		copy(left, after)
		k += n
	}
	return 0, false
}

// inside looks for the limit inside a part. Where bad events leave in it, their
// minutes must be known; until they are, they are taken to leave evenly.
func (f *forecast) inside(p part, k int64, left, after []portion) (int64, bool) {
	m, n := f.m, steps(p.span, f.m.step)
	leaving, even := false, true
	for i := range p.tracks {
		leaving = leaving || p.tracks[i].bad != 0
		even = even && (p.tracks[i].expected == 0 || p.tracks[i].expected == n)
	}
	if leaving && m.loaded(p.ask) {
		return f.scan(p, k, left, true)
	}
	if leaving {
		m.want(p.ask)
	} else if !even || len(f.tracks) > 1 {
		return f.scan(p, k, left, false)
	}
	if !f.hit(k+n, after) {
		return 0, false
	}
	now := f.none()
	j := sort.Search(int(n), func(j int) bool {
		for i := range now {
			gone := float64(j+1) / float64(n)
			now[i].bad = left[i].bad + Amount(float64(p.tracks[i].bad)*gone)
			now[i].expected = left[i].expected + int64(float64(p.tracks[i].expected)*gone)
		}
		return f.hit(k+int64(j)+1, now)
	})
	return k + int64(j) + 1, true
}

// scan follows a part step by step.
func (f *forecast) scan(p part, k int64, left []portion, leaving bool) (int64, bool) {
	m, n := f.m, steps(p.span, f.m.step)
	now := append(f.none()[:0], left...)
	gone := make([]Amount, int(n)*len(now))
	for i := range m.tracks {
		if !leaving {
			break
		}
		for at, c := range m.tracks[i].view.Points(p.span) {
			gone[int((at-p.span.From)/m.step)*len(now)+i] += c.Bad()
		}
	}
	for j := range n {
		s := Span{p.span.From + Minute(j)*m.step, p.span.From + Minute(j+1)*m.step}
		for i := range now {
			now[i].bad += gone[int(j)*len(now)+i]
			now[i].expected += expected(m.tracks[i].view, s, m.step)
		}
		if f.hit(k+j+1, now) {
			return k + j + 1, true
		}
	}
	return 0, false
}

// reset looks for the limit in a calendar window: in the rest of the period,
// then, with the budget new, in the one that follows. As every period is like
// it, what does not happen there never does.
func (f *forecast) reset() (int64, bool) {
	m := f.m
	end := whole(Span{floor(m.at, m.step), m.period.To}, m.step)
	n := steps(end, m.step)
	none := f.none()
	if !f.falling && n > 0 && f.hit(n, none) {
		j := sort.Search(int(n), func(j int) bool { return f.hit(int64(j)+1, none) })
		return int64(j) + 1, true
	}
	next := whole(m.o.Window.Period(m.period.To+1), m.step)
	each := f.step(steps(next, m.step))
	if f.falling {
		return n + 1, each.Cmp(f.limit.Rat()) < 0
	}
	whole := new(big.Rat).Mul(each, big.NewRat(steps(next, m.step), 1))
	if whole.Cmp(f.limit.Rat()) < 0 {
		return 0, false
	}
	count, _ := new(big.Rat).Inv(each).Float64()
	k := max(1, int64(math.Ceil(count*(1-tie))))
	for new(big.Rat).Mul(each, big.NewRat(k, 1)).Cmp(f.limit.Rat()) < 0 {
		k++
	}
	return n + k, true
}

// step is the share of the next period's budget that one step spends. Its
// budget is this one's in proportion to their lengths.
func (f *forecast) step(next int64) *big.Rat {
	s := new(big.Rat)
	now := steps(whole(f.m.period, f.m.step), f.m.step)
	for i := range f.tracks {
		if f.tracks[i].scale == 0 || next <= 0 {
			continue
		}
		t := &f.m.tracks[i]
		x := term{bad: f.tracks[i].bad, base: t.base, budget: t.budget, weight: t.weight}.rat()
		s.Add(s, x.Mul(x, new(big.Rat).Mul(big.NewRat(1, f.tracks[i].per), big.NewRat(now, next))))
	}
	return s
}
