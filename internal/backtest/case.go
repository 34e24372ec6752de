package backtest

import "gitlab.com/nines-sre/nines/internal/slo"

// Case is a subject that was looked at: for each condition the runs of instants
// at which it held, and what was lost when. It is not safe for concurrent use.
type Case struct {
	s     *Subject
	bench *bench
	book  *book
	runs  map[question][]Run
}

// question is a condition without its name: what is judged.
type question struct {
	slo.Condition
	minBad slo.Amount
}

func ask(c slo.Condition, minBad slo.Amount) question {
	c.Name, c.Severity = "", slo.Page
	return question{c, minBad}
}

// Prepare makes a subject ready for [Case.Judge].
func Prepare(s *Subject) *Case {
	c := &Case{s: s, bench: newBench(s), runs: map[question][]Run{}}
	c.book = newBook(c.bench)
	return c
}

// Objective is the one the case is about.
func (c *Case) Objective() *slo.Objective { return c.s.Objective }

// Judge works out the policies' conditions. Equal ones are judged once.
func (c *Case) Judge(policies ...Policy) {
	for i := range policies {
		p := &policies[i]
		for k := range p.Rules {
			c.of(p.Rules[k].Condition, p.MinBad)
		}
	}
}

func (c *Case) of(condition slo.Condition, minBad slo.Amount) []Run {
	q := ask(condition, minBad)
	runs, ok := c.runs[q]
	if !ok && c.bench != nil {
		runs = c.bench.judge(condition, minBad)
		c.runs[q] = runs
	}
	return runs
}

// Release lets go of the history, so that many cases fit into memory. Only what
// was judged can be replayed from then on.
func (c *Case) Release() {
	c.bench = nil
	s := *c.s
	s.View, s.Members = nil, nil
	c.s = &s
}

// Span is what the case goes through.
func (c *Case) Span() slo.Span { return c.s.Span }
