package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/spool"
	"gitlab.com/nines-sre/nines/internal/slo"
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
		return h.splitPaths(env)
	}
	return []string{"."}
}

// splitPaths takes a list of paths apart at the system's separator, which may be
// the colon that stands in addresses too.
func (h *Host) splitPaths(list string) []string {
	var out []string
	for _, part := range filepath.SplitList(list) {
		if n := len(out); n > 0 && filepath.ListSeparator == ':' && h.torn(out[n-1], part) {
			out[n-1] += ":" + part
			continue
		}
		out = append(out, part)
	}
	return out
}

// torn says whether the colon between two parts of a list belongs to an address:
// it stands behind a scheme, or before a port.
func (h *Host) torn(before, after string) bool {
	if strings.HasPrefix(after, "/") && !strings.Contains(before, "/") {
		return config.Scheme(before+":"+after, h.Documents) != ""
	}
	_, server, has := strings.Cut(before, "://")
	return has && !strings.Contains(server, "/") && len(after) > 0 && after[0] >= '0' && after[0] <= '9'
}

// Reading is how documents are loaded.
func (h *Host) Reading(strict bool) config.Options {
	return config.Options{Types: h.Types(), Strict: strict, Sources: h.Documents, Cache: h.Cache}
}

// Catalog loads the documents and refuses them when there is an error in them.
// Warnings are counted on standard error, not listed: lint lists them.
func (h *Host) Catalog(ctx context.Context) (*config.Catalog, error) {
	catalog, problems, err := config.Load(ctx, h.Paths(), h.Reading(false))
	if err != nil {
		return nil, err
	}
	if err := problems.Err(false); err != nil {
		return nil, err
	}
	if n := len(problems); n > 0 && !h.Quiet {
		_, _ = fmt.Fprintf(h.Err, "nines: the documents have %d warning(s); `nines lint` lists them\n", n)
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
	if config.Scheme(dir, h.Documents) != "" {
		dir = "."
	}
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
	if err := keepsWindows(catalog, url, stores.Keeps, slo.MinuteOf(h.Now())); err != nil {
		return nil, Closing(err, stores.Close)
	}
	s, err := h.session(catalog, url)
	if err != nil {
		return nil, Closing(err, stores.Close)
	}
	s.stores, s.Ledger, s.History = stores, stores.Ledger, timeline.NewHistory(stores.Timeline)
	if access == ReadWrite && s.Spool != nil {
		h.drain(ctx, s)
	}
	return s, nil
}

// keepsWindows refuses a store that forgets what a window still needs.
func keepsWindows(catalog *config.Catalog, url string, keeps time.Duration, now slo.Minute) error {
	if keeps <= 0 {
		return nil
	}
	for i := range catalog.Objectives {
		o := &catalog.Objectives[i]
		needs := time.Duration(o.Window.Period(now).Len()) * time.Minute
		if needs > keeps {
			return fault.New(fault.Invalid, "--store "+url, fmt.Sprintf("the window of %s is %s long, and the store keeps %s",
				o.Key(), needs, keeps), "keep history longer, or leave keep out to keep it for good")
		}
	}
	return nil
}

// Storeless is a session without history and ledger, for a verb that answers
// although the store cannot be opened. What it records goes to the spool.
func (h *Host) Storeless(catalog *config.Catalog) (*Session, error) {
	return h.session(catalog, h.StoreURL(catalog))
}

// drain records what earlier calls could not.
func (h *Host) drain(ctx context.Context, s *Session) {
	n, err := s.Spool.Drain(ctx, s.Ledger)
	if n > 0 {
		h.Note("recorded %d entries that were kept while the store was away", n)
	}
	if err != nil {
		h.Note("entries kept while the store was away: %v", err)
	}
}

// session assembles what shells work with; stores are not open yet.
func (h *Host) session(catalog *config.Catalog, url string) (*Session, error) {
	zone, err := h.Location(catalog.Settings.Zone)
	if err != nil {
		return nil, err
	}
	types := h.Types()
	env := &run.Env{
		Catalog: catalog,
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
		Zone:  zone,
	}
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		env.Spool = spool.Dir(filepath.Join(filepath.Dir(path), "spool"))
	}
	return &Session{URL: url, Env: env}, nil
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

// Holder names this process among those that may hold something: the job's
// address, or host:pid.
func (h *Host) Holder() string {
	if url := h.Getenv("CI_JOB_URL"); url != "" {
		return url
	}
	name, err := os.Hostname()
	if err != nil {
		name = "localhost"
	}
	return fmt.Sprintf("%s:%d", name, os.Getpid())
}

// Committed is when the commit of a job was made, CI_COMMIT_TIMESTAMP; zero where
// it is not said, or not as GitLab says it.
func (h *Host) Committed() time.Time {
	at, err := time.Parse(time.RFC3339, h.Getenv("CI_COMMIT_TIMESTAMP"))
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
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
