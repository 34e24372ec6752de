package host

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/gate"
)

// ForgeAccess is what a forge is asked with: an access token of the project,
// and the job's own.
type ForgeAccess struct{ Token, JobToken string }

// ForgeFlags are the flags of verbs that ask the platform of the pipeline.
type ForgeFlags struct {
	URL, Project string
	IDToken      string // name of the variable that holds the identity token
	PolicyRef    string
}

// Declare declares the flags. What they say cannot be changed by a variable;
// everything else can, by whoever starts the pipeline.
func (o *ForgeFlags) Declare(f *pflag.FlagSet) {
	f.StringVar(&o.URL, "gitlab", "", "`URL` of the GitLab whose word counts (default the policy's identity, else CI_SERVER_URL)")
	f.StringVar(&o.Project, "project", "", "`PROJECT` on it, as group/name (default the policy's, else CI_PROJECT_PATH)")
	f.StringVar(&o.IDToken, "id-token", "NINES_ID_TOKEN", "`NAME` of the variable that holds the job's identity token")
	f.StringVar(&o.PolicyRef, "policy-ref", "", "read the documents from this protected `BRANCH`, not from the working copy")
}

// Token is the job's identity token, "" for none.
func (o *ForgeFlags) Token(h *Host) string { return strings.TrimSpace(h.Getenv(o.IDToken)) }

// where is the project to ask: what a flag says, else the policy, else the job.
func (o *ForgeFlags) where(h *Host, id *gate.Identity) (forge.Where, error) {
	w := forge.Where{
		URL:     strings.TrimSuffix(cmp.Or(o.URL, id.GitLab, h.Getenv("CI_SERVER_URL")), "/"),
		Project: o.Project,
	}
	if id.On() && w.URL != id.GitLab {
		return w, fault.New(fault.Invalid, "--gitlab "+w.URL, "the policy believes "+id.GitLab, "let the two say the same")
	}
	if w.Project != "" {
		return w, nil
	}
	// Of several projects a policy is for, the job's; a project that is not one of
	// them is found out by its token.
	for _, name := range []string{"CI_PROJECT_PATH", "CI_PROJECT_ID"} {
		if v := h.Getenv(name); v != "" && (len(id.Projects) == 0 || slices.Contains(id.Projects, v)) {
			w.Project = v
			return w, nil
		}
	}
	if len(id.Projects) > 0 {
		w.Project = id.Projects[0]
	}
	return w, nil
}

// Forge opens the platform a policy believes in, or the one the job runs on;
// nil where none is known.
func (h *Host) Forge(o *ForgeFlags, p *gate.Policy) (forge.Forge, error) {
	w, err := o.where(h, &p.Identity)
	if err != nil || w.URL == "" || w.Project == "" {
		return nil, err
	}
	f, _, err := h.OpenForge(w, h.forgeAccess(o, &p.Identity))
	return f, err
}

// forgeAccess is what the forge is asked with. The project's own token goes
// only where a flag or the policy says: CI_SERVER_URL can be set by whoever
// starts the pipeline, to any address.
func (h *Host) forgeAccess(o *ForgeFlags, id *gate.Identity) ForgeAccess {
	out := ForgeAccess{JobToken: h.Getenv("CI_JOB_TOKEN")}
	if o.URL != "" || id.On() {
		out.Token = h.Getenv("NINES_GITLAB_TOKEN")
	}
	return out
}

// MayNote says whether there is a token for a note on a merge request, and that
// it goes where it should.
func (h *Host) MayNote(o *ForgeFlags, p *gate.Policy) bool {
	if h.Getenv("NINES_GITLAB_TOKEN") == "" {
		return false
	}
	if h.forgeAccess(o, &p.Identity).Token == "" {
		h.Note("no note on the merge request: NINES_GITLAB_TOKEN goes only to a GitLab that --gitlab or the policy names")
		return false
	}
	return true
}

// CatalogFor loads the documents: those of the protected branch where one is
// named, else those of the working copy. from says where they are from; "" for
// the working copy.
func (h *Host) CatalogFor(ctx context.Context, o *ForgeFlags) (catalog *config.Catalog, from string, err error) {
	if o.PolicyRef == "" {
		catalog, err = h.Catalog(ctx)
		return catalog, "", err
	}
	w, err := o.where(h, &gate.Identity{})
	if err != nil {
		return nil, "", err
	}
	if w.URL == "" || w.Project == "" {
		return nil, "", fault.New(fault.Invalid, "--policy-ref "+o.PolicyRef, "it is not known of which project", "name it with --gitlab URL --project GROUP/NAME")
	}
	_, docs, err := h.OpenForge(w, h.forgeAccess(o, &gate.Identity{}))
	if err != nil {
		return nil, "", err
	}
	paths, root, err := h.insideProject()
	if err != nil {
		return nil, "", err
	}
	snap, err := docs.At(ctx, o.PolicyRef, paths)
	if err != nil {
		return nil, "", fault.Wrap(fault.Unavailable, "--policy-ref "+o.PolicyRef, err, "")
	}
	files := make([]config.File, 0, len(snap.Files))
	for name, data := range snap.Files {
		files = append(files, config.File{Name: filepath.Join(root, filepath.FromSlash(name)), Data: data})
	}
	slices.SortFunc(files, func(a, b config.File) int { return cmp.Compare(a.Name, b.Name) })
	catalog, problems := config.Sift(files, config.Options{Types: h.Types()})
	if err := problems.Err(false); err != nil {
		return nil, "", fmt.Errorf("the documents of %s at %.8s: %w", snap.Branch, snap.Commit, err)
	}
	h.compareLocal(ctx, catalog, snap)
	h.pinStore(catalog)
	return catalog, fmt.Sprintf("%s at %s", snap.Branch, snap.Commit), nil
}

// compareLocal says that the working copy has other documents, which do not
// count: who changes a policy wants to know why nothing happens.
func (h *Host) compareLocal(ctx context.Context, catalog *config.Catalog, snap forge.Snapshot) {
	paths := h.Config
	if len(paths) == 0 {
		paths = []string{"."}
	}
	local, problems, err := config.Load(ctx, paths, config.Options{Types: h.Types()})
	if err == nil && problems.Err(false) == nil && local.Digest == catalog.Digest {
		return
	}
	h.Note("the documents here are not those of %s at %.8s; those of %s count", snap.Branch, snap.Commit, snap.Branch)
}

// pinStore lets no variable say where history is kept, where documents are
// taken from nobody but a protected branch: another store could hold any
// history.
func (h *Host) pinStore(catalog *config.Catalog) {
	env := h.Getenv("NINES_STORE")
	if env == "" || h.Store != "" {
		return
	}
	getenv := h.Getenv
	h.Getenv = func(name string) string {
		if name == "NINES_STORE" {
			return ""
		}
		return getenv(name)
	}
	if h.StoreURL(catalog) != env {
		h.Note("NINES_STORE does not count with --policy-ref: name the store with --store, or in the documents of the branch")
	}
}

// insideProject returns the documents' paths below the project's folder, and
// that folder. A variable does not say them.
func (h *Host) insideProject() (paths []string, root string, err error) {
	here, err := filepath.Abs(".")
	if err != nil {
		return nil, "", fault.Wrap(fault.Unavailable, "find the project", err, "")
	}
	root = here
	for dir := here; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			root = dir
			break
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	asked := h.Config
	if len(asked) == 0 {
		asked = []string{"."}
	}
	for _, p := range asked {
		abs, err := filepath.Abs(p)
		if err != nil {
			return nil, "", fault.Wrap(fault.Invalid, "--config "+p, err, "")
		}
		rel, err := filepath.Rel(root, abs)
		if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) || strings.HasPrefix(rel, "-") || strings.Contains(p, "://") {
			return nil, "", fault.New(fault.Invalid, "--config "+p, "it is not inside the project whose branch is read", "name a folder of the project")
		}
		paths = append(paths, filepath.ToSlash(rel))
	}
	rel, err := filepath.Rel(here, root)
	if err != nil {
		return nil, "", fault.Wrap(fault.Internal, "find the project", err, "")
	}
	return paths, rel, nil
}
