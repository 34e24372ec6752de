package survey

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
)

// surveyor is one survey.
type surveyor struct {
	env *Env

	mu    sync.Mutex
	notes []string
	first error
	// unlisted is why metrics could not be listed; nil: they could.
	unlisted error
	answers  int
	closed   map[string]bool // regions that refuse: they are not asked again
}

// parallel is how many listings are under way at once.
const parallel = 5

// list asks for every listing. A region that refuses one is not asked for the
// others: rights and addresses are the same for all of them.
func (s *surveyor) list(ctx context.Context, listings []metric.Listing) []metric.Name {
	found := make([][]metric.Name, len(listings))
	s.closed = map[string]bool{}
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for i, l := range listings {
		slots <- struct{}{}
		if s.shut(l.Region) || ctx.Err() != nil {
			<-slots
			continue
		}
		wg.Go(func() {
			defer func() { <-slots }()
			found[i] = s.one(ctx, l)
		})
	}
	wg.Wait()
	return slices.Concat(found...)
}

func (s *surveyor) shut(region string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed[region]
}

func (s *surveyor) one(ctx context.Context, l metric.Listing) []metric.Name {
	got, err := s.env.Directory.List(ctx, l)
	what := "metrics are left out"
	if l.Region != "" {
		what = "metrics in " + l.Region + " are left out"
	}
	s.tell(err, what)
	if err != nil {
		s.mu.Lock()
		s.closed[l.Region], s.unlisted = true, err
		s.mu.Unlock()
		return nil
	}
	if got.More {
		s.tell(fault.New(fault.Full, l.Namespace+" "+l.Metric, fmt.Sprintf("more than %d metrics", len(got.Names)), "name the service: nines discover KIND/NAME"), "the rest is left out")
	}
	return got.Names
}

// tell notes an error once, with what it means for the answer.
func (s *surveyor) tell(err error, means string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.answers++
		return
	}
	if s.first == nil {
		s.first = err
	}
	text := means + ": " + brief(err)
	if hint := fault.HintOf(err); hint != "" {
		text += "; " + hint
	}
	if !slices.Contains(s.notes, text) {
		s.notes = append(s.notes, text)
		slices.Sort(s.notes)
	}
}

// brief is an error without the SDK's request IDs and repetitions, which would
// make each one look new.
func brief(err error) string {
	text := err.Error()
	op, rest, ok := strings.Cut(text, ": operation error ")
	if !ok {
		return text
	}
	if i := strings.LastIndex(rest, "api error "); i >= 0 {
		rest = rest[i+len("api error "):]
	}
	return op + ": " + rest
}
