//go:build unix

package sqlitedb_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/sqlitedb"
)

// childEnv makes the test binary act as a user without permissions.
const childEnv = "NINES_TEST_DENIED_PATH"

// TestChild is that user: it opens, reads, writes, and prints what became of it.
func TestChild(t *testing.T) {
	path := os.Getenv(childEnv)
	if path == "" {
		t.Skip("only run by TestDenied, as another process")
	}
	db, err := sqlitedb.Open(t.Context(), path, sqlitedb.Options{ReadOnly: os.Getenv(childEnv+"_RO") != ""})
	if err != nil {
		fmt.Printf("open: %s (%s)\n", fault.KindOf(err), fault.HintOf(err))
		return
	}
	defer db.Close()
	fmt.Printf("read: %s\n", names(t, db))
	fmt.Printf("write: %s\n", fault.KindOf(put(t.Context(), db, "two", 1)))
}

// TestDenied runs a process that may not write, the way a read-only disk or a
// foreign file looks to it.
func TestDenied(t *testing.T) {
	exe := executable(t)
	for name, tc := range map[string]struct {
		file, folder os.FileMode
		hot, ro      bool
		want         []string
	}{
		"fileAndFolder": {0o444, 0o555, false, false, []string{"read: one:1", "write: denied"}},
		"file":          {0o444, 0o777, false, false, []string{"read: one:1", "write: denied"}},
		"folder":        {0o666, 0o555, false, false, []string{"read: one:1", "write: denied"}},
		"offline":       {0o444, 0o555, false, true, []string{"read: one:1", "write: denied"}},
		"unmerged":      {0o444, 0o555, true, true, []string{"open: denied", "-wal", "copy both"}},
		"unreadable":    {0o000, 0o555, false, false, []string{"open: denied", "leave to read"}},
		"nothingYet":    {0, 0o555, false, false, []string{"open: denied", "leave to write"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(filepath.Dir(exe), name)
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "nines.db")
			if name == "nothingYet" {
				path = filepath.Join(dir, "sub", "nines.db")
			} else {
				makeStore(t, path, tc.hot)
				chmod(t, path, tc.file)
			}
			chmod(t, dir, tc.folder)
			t.Cleanup(func() { chmod(t, dir, 0o755) })
			out := runDenied(t, exe, path, tc.ro)
			for _, want := range tc.want {
				if !strings.Contains(out, want) {
					t.Errorf("want %q in:\n%s", want, out)
				}
			}
		})
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// makeStore makes a file with one item; hot leaves it unmerged, as a process
// does that was killed.
func makeStore(t *testing.T, path string, hot bool) {
	t.Helper()
	db := open(t, path, sqlitedb.Options{})
	if err := put(t.Context(), db, "one", 1); err != nil {
		t.Fatal(err)
	}
	if !hot {
		db.Close()
		return
	}
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+".copy"+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
	for _, suffix := range []string{"", "-wal"} {
		if err := os.Rename(path+".copy"+suffix, path+suffix); err != nil {
			t.Fatal(err)
		}
	}
	chmod(t, path+"-wal", 0o444)
}

// executable copies the test binary to where everybody may run it.
func executable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nines-denied") //nolint:usetesting // t.TempDir lies in a folder of this user alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	chmod(t, dir, 0o755)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "child")
	if err := os.WriteFile(exe, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return exe
}

func runDenied(t *testing.T, exe, path string, ro bool) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestChild$")
	cmd.Env = []string{childEnv + "=" + path, "TMPDIR=/tmp"}
	if ro {
		cmd.Env = append(cmd.Env, childEnv+"_RO=1")
	}
	cmd.Dir = "/"
	if os.Getuid() == 0 {
		// Root may do everything; be nobody.
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}
