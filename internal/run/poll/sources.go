package poll

import (
	"context"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/metric"
)

// sources keeps live sources open from one reading to the next: their
// connections, their rates, and what they know to exist. A recording is opened
// anew each time, because it may have grown. Readings never overlap, so it
// needs no lock.
type sources struct {
	fresh func(context.Context, config.DataSource) (metric.Source, error)
	kept  map[string]metric.Source
}

func newSources(fresh func(context.Context, config.DataSource) (metric.Source, error)) *sources {
	return &sources{fresh: fresh, kept: map[string]metric.Source{}}
}

func (s *sources) open(ctx context.Context, ds config.DataSource) (metric.Source, error) {
	if src, ok := s.kept[ds.Name]; ok {
		return src, nil
	}
	src, err := s.fresh(ctx, ds)
	if err != nil {
		return nil, err
	}
	if _, recorded := src.(metric.Recorded); !recorded {
		s.kept[ds.Name] = src
	}
	return src, nil
}

// usage is what all live sources have cost so far.
func (s *sources) usage() metric.Usage {
	var out metric.Usage
	for _, src := range s.kept {
		if m, ok := src.(metric.Metered); ok {
			out = out.Add(m.Usage())
		}
	}
	return out
}
