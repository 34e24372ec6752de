package git

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // git's own names of objects; nothing is trusted for them
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// Limits of one snapshot: more is no folder of documents.
const (
	mostFiles = 10_000
	mostBytes = 256 << 20
)

// snapshot is the documents of one commit, below one folder.
type snapshot struct {
	Repository, Commit, Folder string
	Files                      []file
}

// file is a document: its path from the root, git's name of its bytes, and they.
type file struct {
	Path, Blob string
	Data       []byte
}

// snapshot returns the documents of a commit: those kept of an earlier call, or
// fetched ones, which it keeps.
func (s *Source) snapshot(ctx context.Context, commit, ref string) (*snapshot, error) {
	kept, err := s.shelf(commit)
	if err != nil {
		return nil, err
	}
	if snap := s.load(kept, commit); snap != nil {
		return snap, nil
	}
	if err := os.MkdirAll(filepath.Dir(kept), 0o700); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "keep documents", err, "set NINES_CACHE to a folder that can be written")
	}
	dir, err := os.MkdirTemp(filepath.Dir(kept), ".fetch-")
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "keep documents", err, "set NINES_CACHE to a folder that can be written")
	}
	defer os.RemoveAll(dir) //nolint:errcheck // what stays is cleared away later
	ctx, stop := limited(ctx, dir)
	defer stop()
	snap, err := s.fetch(ctx, dir, commit, ref)
	if err != nil {
		return nil, err
	}
	keep(kept, snap)
	return snap, nil
}

// limited ends a context when a folder grows beyond mostBytes: git has no limit
// of its own for what it fetches.
func limited(ctx context.Context, dir string) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	look := time.NewTicker(200 * time.Millisecond)
	go func() {
		defer look.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-look.C:
				if size(dir) > mostBytes {
					cancel(fault.New(fault.Full, "fetch", fmt.Sprintf("the commit is larger than %d MiB", mostBytes>>20), "keep the documents in a repository of their own"))
				}
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// size adds up the files below a folder, as far as they can be seen.
func size(dir string) (sum int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // git clears away while it works
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

// fetch brings one commit without its past, its folders without their files,
// and then the documents among them.
func (s *Source) fetch(ctx context.Context, dir, commit, ref string) (*snapshot, error) {
	run := func(stdin []byte, args ...string) ([]byte, error) { return s.git(ctx, dir, stdin, args...) }
	format := "sha1"
	if len(commit) == hex.EncodedLen(sha256.Size) {
		format = "sha256"
	}
	steps := [][]string{
		{"init", "--quiet", "--bare", "--template=", "--object-format=" + format},
		{"config", "remote.origin.url", s.repository},
		{"fetch", "--quiet", "--depth=1", "--filter=blob:none", "--no-tags", "--no-recurse-submodules", "--", "origin", "+" + ref + ":refs/nines/wanted"},
	}
	for _, step := range steps {
		if _, err := run(nil, step...); err != nil {
			return nil, err
		}
	}
	got, err := run(nil, "rev-parse", "--verify", "refs/nines/wanted^{commit}")
	if err != nil {
		return nil, err
	}
	// It moved between asking and fetching, or the server gave something else.
	if strings.TrimSpace(string(got)) != commit {
		return nil, fault.New(fault.Conflict, "fetch "+ref, "it is another commit by now", "run it again")
	}
	files, err := s.tree(ctx, dir, commit)
	if err != nil {
		return nil, err
	}
	if err := s.fill(ctx, dir, commit, files); err != nil {
		return nil, err
	}
	return &snapshot{s.repository, commit, s.folder, files}, nil
}

// tree lists the documents below the folder. Links and other repositories are
// no documents.
func (s *Source) tree(ctx context.Context, dir, commit string) ([]file, error) {
	tree, prefix := commit, ""
	if s.folder != "" {
		out, err := s.git(ctx, dir, nil, "ls-tree", "-z", "--full-tree", commit, "--", s.folder)
		if err != nil {
			return nil, err
		}
		e, ok := entry(strings.TrimSuffix(string(out), "\x00"))
		switch {
		case !ok || e.Path != s.folder:
			return nil, fault.New(fault.NotFound, s.folder, "the commit "+commit[:12]+" has no such folder or file", "check what stands behind //")
		case e.regular:
			return []file{e.file}, nil
		case e.kind != "tree":
			return nil, fault.New(fault.Invalid, s.folder, "it is a link or another repository", "name what it leads to")
		}
		tree, prefix = e.Blob, s.folder
	}
	out, err := s.git(ctx, dir, nil, "ls-tree", "-r", "-z", "--full-tree", tree)
	if err != nil {
		return nil, err
	}
	var files []file
	for line := range strings.SplitSeq(string(out), "\x00") {
		e, ok := entry(line)
		if !ok || !e.regular || !config.DocumentPath(e.Path) {
			continue
		}
		e.Path = path.Join(prefix, e.Path)
		if files = append(files, e.file); len(files) > mostFiles {
			return nil, fault.New(fault.Full, "list documents", fmt.Sprintf("there are more than %d", mostFiles), "name the folder that holds the documents, behind //")
		}
	}
	return files, nil
}

// treeEntry is a line of ls-tree.
type treeEntry struct {
	file
	kind    string // blob, tree, commit
	regular bool   // a file, not a link
}

// entry reads "MODE TYPE NAME\tPATH".
func entry(line string) (e treeEntry, ok bool) {
	meta, name, ok := strings.Cut(line, "\t")
	parts := strings.Fields(meta)
	if !ok || len(parts) != 3 {
		return e, false
	}
	e.Path, e.Blob, e.kind = name, parts[2], parts[1]
	e.regular = e.kind == "blob" && parts[0] != "120000"
	return e, true
}

// fill reads the bytes of the files. Those that were left out of the fetch come
// in one request; asked for one by one, each would be one.
func (s *Source) fill(ctx context.Context, dir, commit string, files []file) error {
	if len(files) == 0 {
		return nil
	}
	// One file is looked for in its folder: a name of it could not be resolved
	// while it is missing.
	folder := s.folder
	if files[0].Path == folder {
		folder = strings.TrimPrefix(path.Dir("/"+folder), "/")
	}
	tree := commit + "^{tree}"
	if folder != "" {
		tree = commit + ":" + folder
	}
	out, err := s.git(ctx, dir, nil, "rev-list", "--objects", "--missing=print", "--end-of-options", tree)
	if err != nil {
		return err
	}
	missing := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if id, is := strings.CutPrefix(strings.TrimSpace(line), "?"); is {
			missing[id] = true
		}
	}
	var want, all bytes.Buffer
	for i := range files {
		fmt.Fprintln(&all, files[i].Blob)
		if missing[files[i].Blob] {
			fmt.Fprintln(&want, files[i].Blob)
		}
	}
	if want.Len() > 0 {
		if _, err := s.git(ctx, dir, want.Bytes(), "-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags",
			"--no-recurse-submodules", "--no-write-fetch-head", "--filter=blob:none", "--stdin", "origin"); err != nil {
			return err
		}
	}
	out, err = s.git(ctx, dir, all.Bytes(), "cat-file", "--batch")
	if err != nil {
		return err
	}
	return split(out, files)
}

// split takes cat-file's answer apart: "NAME TYPE SIZE\n", the bytes, "\n".
func split(out []byte, files []file) error {
	for i := range files {
		head, rest, ok := bytes.Cut(out, []byte("\n"))
		var id, kind string
		var size int
		if _, err := fmt.Sscanf(string(head), "%s %s %d", &id, &kind, &size); !ok || err != nil || id != files[i].Blob || size < 0 || size >= len(rest) {
			return fault.New(fault.Internal, "read "+files[i].Path, "git gave something else", "")
		}
		files[i].Data, out = rest[:size:size], rest[size+1:]
	}
	return nil
}

// shelf is the file that keeps the documents of a commit.
func (s *Source) shelf(commit string) (string, error) {
	root := s.opt.Getenv("NINES_CACHE")
	if root == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return "", fault.Wrap(fault.Invalid, "keep documents", err, "set NINES_CACHE to a folder")
		}
		root = filepath.Join(dir, "nines")
	}
	sum := sha256.Sum256([]byte(s.repository + "\x00" + s.folder))
	return filepath.Join(root, "git", hex.EncodeToString(sum[:8]), commit+".json"), nil
}

// load reads what was kept; nil where that is nothing, or not what git says it
// should be.
func (s *Source) load(name, commit string) *snapshot {
	data, err := os.ReadFile(name) //nolint:gosec // our own file
	if err != nil {
		return nil
	}
	snap := &snapshot{}
	if json.Unmarshal(data, snap) != nil || snap.Repository != s.repository || snap.Commit != commit || snap.Folder != s.folder {
		return nil
	}
	for i := range snap.Files {
		if f := &snap.Files[i]; objectID(f.Data, len(f.Blob)) != f.Blob {
			return nil
		}
	}
	return snap
}

// objectID is git's name of bytes, in as many digits as another has.
func objectID(data []byte, digits int) string {
	text := fmt.Appendf(nil, "blob %d\x00", len(data))
	text = append(text, data...)
	if digits == hex.EncodedLen(sha256.Size) {
		sum := sha256.Sum256(text)
		return hex.EncodeToString(sum[:])
	}
	sum := sha1.Sum(text) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

// keepFor is how long a commit's documents are kept after they were fetched.
const keepFor = 30 * 24 * time.Hour

// keep writes a snapshot down, whole or not at all, and clears away old ones.
// That it cannot is no reason not to answer.
func keep(name string, snap *snapshot) {
	data, err := json.Marshal(snap)
	if err != nil {
		return
	}
	dir := filepath.Dir(name)
	tmp, err := os.CreateTemp(dir, ".new-")
	if err != nil {
		return
	}
	_, err = tmp.Write(data)
	if closing := tmp.Close(); err != nil || closing != nil || os.Rename(tmp.Name(), name) != nil {
		_ = os.Remove(tmp.Name())
		return
	}
	mine, err := os.Stat(name)
	if err != nil {
		return
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		// Ages are told by the clock of the file system, and by no other.
		if info, err := e.Info(); err == nil && mine.ModTime().Sub(info.ModTime()) > keepFor {
			_ = os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
}
