package host

import (
	"context"
	"io"
	"log/slog"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/publish"
	"gitlab.com/nines-sre/nines/internal/render/term"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// Process is the surroundings of one call: streams, environment, clock.
type Process struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
	Now      func() time.Time
	// Sleep waits, and ends early with the context's error; nil: [Pause].
	Sleep func(ctx context.Context, d time.Duration) error
	// OutSize and ErrSize return the columns and lines of a stream's terminal;
	// ok is false for a pipe or a file.
	OutSize, ErrSize func() (columns, lines int, ok bool)
}

// Stores are the two stores a store URL stands for.
type Stores struct {
	Timeline timeline.Store
	Ledger   ledger.Ledger
	// Kept says that what is written is there at the next call; false for a
	// store in memory.
	Kept bool
	// Keeps is how long settled history is kept behind the end of its month; 0: for
	// good.
	Keeps time.Duration
	Close func() error
}

// Access says what a call wants of a store.
type Access uint8

// The kinds of access.
const (
	ReadWrite Access = iota
	ReadOnly         // writes nothing: a store that is not there reads as empty
)

// Wiring is what the composition root gives to the command line.
type Wiring struct {
	// Version names the build; empty: what the go command knows about it.
	Version string
	// Commit is the revision the build was made of; empty: what the go command
	// knows about it.
	Commit string
	// Types are the kinds of metric source this program carries, by name.
	Types func() map[string]metric.Type
	// OpenStore opens the stores of a URL: "sqlite:PATH", "dynamodb:TABLE" or
	// "memory:".
	OpenStore func(ctx context.Context, url string, access Access) (Stores, error)
	// Directory looks around in a place of the live source, to find what could
	// be measured. Nothing is asked before the first listing.
	Directory func(at metric.Place) metric.Directory
	// AdminStore returns what sets up the store of a URL.
	AdminStore func(url string) (StoreAdmin, error)
	// OpenForge opens a project of the platform that runs pipelines, and what
	// reads documents from its branches.
	OpenForge func(where forge.Where, access ForgeAccess) (forge.Forge, forge.Documents, error)
	// OpenTarget opens somebody to tell; where is the project in which issues are
	// written.
	OpenTarget func(a notify.Address, where forge.Where, access ForgeAccess) (notify.Target, error)
	// WatchTarget is OpenTarget for somebody who looks at what is sent.
	WatchTarget func(a notify.Address, where forge.Where, access ForgeAccess, watch notify.Watch) (notify.Target, error)
	// OpenActor opens a target of rollouts and rollbacks. Invalid for a kind that
	// this program does not carry.
	OpenActor func(ctx context.Context, at act.Place, opt ActorOptions) (act.Actor, error)
	// OpenInvoker opens what invokes the functions of a place; nil: none can be.
	OpenInvoker func(ctx context.Context, at act.Place) (Invoke, error)
	// Parameter reads a secret parameter, "/PATH?region=R"; nil: there are none.
	Parameter func(ctx context.Context, path string) (string, error)
	// OpenSink opens where documents send numbers.
	OpenSink func(config.Publish) (publish.Sink, error)
	// Documents open addresses that keep documents and are not paths, by scheme.
	Documents map[string]config.Opener
	// Cache is kept by hosts that load documents again and again; may be nil.
	Cache *config.Cache
}

// Invoke invokes a function and returns its answer; failed says that the function
// itself ended with an error.
type Invoke func(ctx context.Context, function string, event []byte) (answer []byte, failed bool, err error)

// ActorOptions are what a target needs of its surroundings.
type ActorOptions struct {
	// Wait waits, and ends early with the context's error.
	Wait func(ctx context.Context, d time.Duration) error
	// Where and Access reach the forge, for targets that are deployments of it.
	Where  forge.Where
	Access ForgeAccess
	// Log takes what a program says on the side.
	Log io.Writer
}

// Globals are the flags every verb takes.
type Globals struct {
	Config  []string
	Store   string
	At      string
	Zone    string
	Output  string
	Color   string
	Offline bool
	Quiet   bool
}

// Host is one call of the program.
type Host struct {
	Process
	Wiring
	Globals
}

// Style returns what standard output can show.
func (h *Host) Style() term.Style { return h.style(h.OutSize) }

// ErrStyle returns what standard error can show.
func (h *Host) ErrStyle() term.Style { return h.style(h.ErrSize) }

// Logger returns a logger to standard error for what goes wrong on the side.
func (h *Host) Logger() *slog.Logger {
	level := slog.LevelWarn
	if h.Quiet {
		level = slog.LevelError
	}
	return slog.New(slog.NewTextHandler(h.Err, &slog.HandlerOptions{Level: level, ReplaceAttr: dropTime}))
}

// dropTime leaves the time out of log lines: a person reads them as they come.
func dropTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// Format returns the output format asked for, the first of those allowed if
// none was.
func (h *Host) Format(allowed ...string) (string, error) {
	if h.Output == "" {
		return allowed[0], nil
	}
	for _, f := range allowed {
		if f == h.Output {
			return f, nil
		}
	}
	return "", fault.New(fault.Invalid, "-o "+h.Output, "this verb cannot print that format", "it prints "+orList(allowed))
}
