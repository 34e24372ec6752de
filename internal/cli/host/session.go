package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// StoreNone is the store URL that reads the sources for one answer and keeps
// nothing.
const StoreNone = "none"

// Paths returns the documents' paths: --config, else NINES_CONFIG, else the
// current folder.
func (h *Host) Paths() []string {
	if len(h.Config) > 0 {
		return h.Config
	}
	if env := h.Getenv("NINES_CONFIG"); env != "" {
		return filepath.SplitList(env)
	}
	return []string{"."}
}

// Catalog loads the documents and refuses them when there is an error in them.
// Warnings are counted on standard error, not listed: lint lists them.
func (h *Host) Catalog(ctx context.Context) (*config.Catalog, error) {
	paths := h.Paths()
	for _, p := range paths {
		if scheme, _, ok := strings.Cut(p, "://"); ok {
			return nil, fault.New(fault.Unsupported, "--config "+p, "documents cannot be read from "+scheme+" addresses",
				"check them out and name the folder")
		}
	}
	catalog, problems, err := config.Load(ctx, paths, config.Options{Types: h.Types()})
	if err != nil {
		return nil, err
	}
	if err := problems.Err(false); err != nil {
		return nil, err
	}
	if n := len(problems); n > 0 && !h.Quiet {
		fmt.Fprintf(h.Err, "nines: the documents have %d warning(s); `nines lint` lists them\n", n)
	}
	return catalog, nil
}

// StoreURL returns where history and ledger are kept: --store, else
// NINES_STORE, else the documents' settings, else a file under the first
// folder of documents. Catalog may be nil.
func (h *Host) StoreURL(catalog *config.Catalog) string {
	if h.Store != "" {
		return h.Store
	}
	if env := h.Getenv("NINES_STORE"); env != "" {
		return env
	}
	if catalog != nil && catalog.Settings.Store != "" {
		return catalog.Settings.Store
	}
	dir := h.Paths()[0]
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	return "sqlite:" + filepath.Join(dir, ".nines", "nines.db")
}

// Session is a call with documents and stores open.
type Session struct {
	*run.Env
	URL    string
	stores Stores
}

// Open loads the documents and opens the stores. The caller closes it.
func (h *Host) Open(ctx context.Context, access Access) (*Session, error) {
	catalog, err := h.Catalog(ctx)
	if err != nil {
		return nil, err
	}
	return h.OpenWith(ctx, catalog, access)
}

// OpenWith opens the stores for a catalog that is loaded already.
func (h *Host) OpenWith(ctx context.Context, catalog *config.Catalog, access Access) (*Session, error) {
	url := h.StoreURL(catalog)
	target := url
	if target == StoreNone {
		target = "memory:"
	}
	stores, err := h.OpenStore(ctx, target, access)
	if err != nil {
		return nil, err
	}
	return &Session{URL: url, stores: stores, Env: h.env(catalog, stores)}, nil
}

// env assembles what shells work with.
func (h *Host) env(catalog *config.Catalog, stores Stores) *run.Env {
	types := h.Types()
	return &run.Env{
		Catalog: catalog,
		History: timeline.NewHistory(stores.Timeline),
		Ledger:  stores.Ledger,
		Open: func(ctx context.Context, ds config.DataSource) (metric.Source, error) {
			kind, ok := types[ds.Type]
			if !ok {
				return nil, fault.New(fault.Invalid, "data source "+ds.Name, "this program carries no source of type "+ds.Type, "")
			}
			return kind.Open(ctx, ds.Details, ds.Dir)
		},
		Now:   h.Now(),
		Actor: h.Actor(),
		Log:   h.Logger(),
	}
}

// Kept says whether what is recorded outlives the call.
func (s *Session) Kept() bool { return s.stores.Kept }

// Close releases the stores. It keeps the first error of the two.
func (s *Session) Close() error {
	if s == nil || s.stores.Close == nil {
		return nil
	}
	return s.stores.Close()
}

// Actor is who calls, as far as the surroundings tell: NINES_ACTOR, the user a
// GitLab job runs for, or the user of the machine.
func (h *Host) Actor() string {
	for _, name := range []string{"NINES_ACTOR", "GITLAB_USER_LOGIN", "USER", "USERNAME"} {
		if v := h.Getenv(name); v != "" {
			return v
		}
	}
	return "unknown"
}

// Closing joins the error of a call with that of closing what it used.
func Closing(err error, closer func() error) error {
	if cerr := closer(); err == nil {
		return cerr
	} else if cerr != nil {
		return errors.Join(err, cerr)
	}
	return err
}
