package host

import (
	"context"

	"github.com/spf13/pflag"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run/try"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// LiveType is the type of source that services are looked for in.
const LiveType = "CloudWatch"

// PlaceFlags declares the flags that say where to look.
func PlaceFlags(f *pflag.FlagSet, at *metric.Place) {
	f.StringVar(&at.Region, "region", "", "`REGION` to look in (default the environment's)")
	f.StringVar(&at.Role, "role", "", "`ARN` of a role to take for reading")
	f.StringVar(&at.Account, "account", "", "`ID` of a linked account, seen from a monitoring account")
}

// Live opens the live source without any document.
func (h *Host) Live(ctx context.Context) (metric.Source, error) {
	kind, ok := h.Types()[LiveType]
	if !ok {
		return nil, fault.New(fault.Unsupported, "look for services", "this program carries no source of type "+LiveType, "")
	}
	return kind.Open(ctx, nil, ".")
}

// Trial is what a trial needs: the live source, a directory of a place, and a
// history in memory. The caller calls the returned function at the end.
func (h *Host) Trial(ctx context.Context, at metric.Place) (*try.Env, func() error, error) {
	source, err := h.Live(ctx)
	if err != nil {
		return nil, nil, err
	}
	stores, err := h.OpenStore(ctx, "memory:", ReadWrite)
	if err != nil {
		return nil, nil, err
	}
	s, err := h.session(&config.Catalog{}, "memory:")
	if err != nil {
		return nil, nil, Closing(err, stores.Close)
	}
	s.History = timeline.NewHistory(stores.Timeline)
	s.Env.Open = func(context.Context, config.DataSource) (metric.Source, error) { return source, nil }
	return &try.Env{Run: s.Env, Source: source, Types: h.Types(), Directory: h.Directory(at)}, stores.Close, nil
}

// TrialFlags declares the flags that say what to try.
func TrialFlags(f *pflag.FlagSet, opt *try.Options, since *string) {
	PlaceFlags(f, &opt.Place)
	f.StringVar(&opt.Target, "target", "", "`PERCENT` of good events, as 99.9 (default taken from the data)")
	f.StringVar(&opt.Latency, "latency", "", "`OBJECTIVE` of latency, as \"99% < 300ms\" (default taken from the data)")
	f.StringVar(since, "since", "28d", "`LENGTH` of time to look back")
}

// longestLook is how far back CloudWatch keeps anything.
const longestLook = 455 * slo.Day

// ParseSince reads --since in whole minutes.
func ParseSince(text string) (slo.Minute, error) {
	d, err := ParseDuration("--since", text)
	if err != nil {
		return 0, err
	}
	m := slo.Minute(d.Minutes())
	if m < slo.Hour || m > longestLook {
		return 0, fault.New(fault.Invalid, "--since "+text, "nothing to learn from", "look back between 1h and 455d, which is how long CloudWatch keeps anything")
	}
	return m, nil
}
