package host_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/render/term"
)

var now = time.Date(2025, 2, 3, 10, 0, 0, 0, time.UTC)

// in returns a host with an environment and a terminal of 80 columns, or a pipe
// for 0.
func in(columns int, env ...string) *host.Host {
	vars := map[string]string{}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		vars[name] = value
	}
	size := func() (int, int, bool) { return columns, 24, columns > 0 }
	return &host.Host{Process: host.Process{
		Out: &bytes.Buffer{}, Err: &bytes.Buffer{}, Now: func() time.Time { return now },
		Getenv: func(name string) string { return vars[name] }, OutSize: size, ErrSize: size,
	}}
}

func TestStyle(t *testing.T) {
	for _, c := range []struct {
		name    string
		columns int
		color   string
		env     []string
		want    term.Style
	}{
		{"a pipe", 0, "auto", []string{"LANG=C.UTF-8"}, term.Style{Unicode: true}},
		{"a terminal", 80, "auto", []string{"LANG=de_DE.utf8"}, term.Style{Unicode: true, Color: true, Decor: true, Width: 80}},
		{"NO_COLOR", 80, "auto", []string{"NO_COLOR=1"}, term.Style{Decor: true, Width: 80}},
		{"a dumb terminal", 80, "auto", []string{"TERM=dumb"}, term.Style{Decor: true, Width: 80}},
		{"the flag wins over NO_COLOR", 80, "always", []string{"NO_COLOR=1"}, term.Style{Color: true, Decor: true, Width: 80}},
		{"a coloured pipe", 0, "always", nil, term.Style{Color: true}},
		{"never", 80, "never", nil, term.Style{Decor: true, Width: 80}},
		{"LC_ALL wins over LANG", 80, "never", []string{"LC_ALL=C", "LANG=C.UTF-8"}, term.Style{Decor: true, Width: 80}},
	} {
		h := in(c.columns, c.env...)
		h.Color = c.color
		if got := h.Style(); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		if got := h.ErrStyle(); got != c.want {
			t.Errorf("%s: standard error: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestParseTime(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"2025-01-31T14:00:00Z":      "2025-01-31T14:00:00Z",
		"2025-01-31T14:00:00+02:00": "2025-01-31T12:00:00Z",
		"2025-01-31 14:00":          "2025-01-31T13:00:00Z",
		"2025-01-31 14:00:30":       "2025-01-31T13:00:30Z",
		"2025-07-01T14:00":          "2025-07-01T12:00:00Z",
		"2025-01-31":                "2025-01-30T23:00:00Z",
		"now":                       "2025-02-03T10:00:00Z",
	} {
		got, err := host.ParseTime("--at", text, berlin, now)
		if err != nil || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("ParseTime(%q) = %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "tomorrow", "31.1.2025", "2025-02-30", "1735689600"} {
		if _, err := host.ParseTime("--at", text, berlin, now); fault.KindOf(err) != fault.Invalid {
			t.Errorf("ParseTime(%q): %v, want Invalid", text, err)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90m": 90 * time.Minute, "2h": 2 * time.Hour, "7d": 7 * 24 * time.Hour, "4w": 28 * 24 * time.Hour,
		"1w1d": 8 * 24 * time.Hour, "1d12h": 36 * time.Hour, "1h30m": 90 * time.Minute, "45s": 45 * time.Second,
	} {
		got, err := host.ParseDuration("--for", text)
		if err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "0d", "-1h", "1", "d", "1d-2h", "1M", "1e3d", "99999d", "ever"} {
		if got, err := host.ParseDuration("--for", text); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("ParseDuration(%q) = %v, %v, want Invalid", text, got, err)
		}
	}
}

func TestPathsAndStore(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "slo.yaml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	settings := &config.Catalog{Settings: config.Settings{Store: "sqlite:settings.db"}}
	for _, c := range []struct {
		name    string
		host    *host.Host
		store   string
		config  []string
		catalog *config.Catalog
		want    string
	}{
		{"under the current folder", in(0), "", nil, nil, "sqlite:.nines/nines.db"},
		{"under the first folder", in(0), "", []string{dir, "other"}, nil, "sqlite:" + filepath.Join(dir, ".nines/nines.db")},
		{"beside a file", in(0), "", []string{file}, nil, "sqlite:" + filepath.Join(dir, ".nines/nines.db")},
		{"NINES_CONFIG", in(0, "NINES_CONFIG="+dir), "", nil, nil, "sqlite:" + filepath.Join(dir, ".nines/nines.db")},
		{"the documents' settings", in(0), "", nil, settings, "sqlite:settings.db"},
		{"NINES_STORE wins over them", in(0, "NINES_STORE=none"), "", nil, settings, "none"},
		{"the flag wins over all", in(0, "NINES_STORE=none"), "memory:", nil, settings, "memory:"},
	} {
		c.host.Store, c.host.Config = c.store, c.config
		if got := c.host.StoreURL(c.catalog); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestActor(t *testing.T) {
	for want, env := range map[string][]string{
		"ada":     {"NINES_ACTOR=ada", "GITLAB_USER_LOGIN=grace", "USER=root"},
		"grace":   {"GITLAB_USER_LOGIN=grace", "USER=root"},
		"root":    {"USER=root"},
		"unknown": nil,
	} {
		if got := in(0, env...).Actor(); got != want {
			t.Errorf("%v: %s, want %s", env, got, want)
		}
	}
}

func TestLocation(t *testing.T) {
	h := in(0)
	for _, c := range []struct{ flag, documents, want string }{
		{"", "", "UTC"}, {"", "Europe/Berlin", "Europe/Berlin"}, {"America/New_York", "Europe/Berlin", "America/New_York"},
	} {
		h.Zone = c.flag
		if got, err := h.Location(c.documents); err != nil || got.String() != c.want {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
	h.Zone = "Mars/Olympus"
	if _, err := h.Location(""); fault.KindOf(err) != fault.Invalid {
		t.Errorf("got %v, want Invalid", err)
	}
}

func TestFormat(t *testing.T) {
	h := in(0)
	if got, err := h.Format("text", "json"); err != nil || got != "text" {
		t.Errorf("default: %q, %v", got, err)
	}
	h.Output = "json"
	if got, err := h.Format("text", "json"); err != nil || got != "json" {
		t.Errorf("json: %q, %v", got, err)
	}
	h.Output = "xml"
	_, err := h.Format("text", "json", "csv")
	if fault.KindOf(err) != fault.Invalid || fault.HintOf(err) != "it prints text, json or csv" {
		t.Errorf("xml: %v, hint %q", err, fault.HintOf(err))
	}
}

func TestChoiceAndDescribe(t *testing.T) {
	var word string
	cmd := &cobra.Command{Use: "x"}
	host.Choice(cmd.Flags(), &word, "color", "", "auto", "never")
	if word != "auto" {
		t.Errorf("default %q", word)
	}
	if err := cmd.Flags().Set("color", "blue"); err == nil || word != "auto" {
		t.Errorf("blue is taken: %v, %q", err, word)
	}
	if err := cmd.Flags().Set("color", "never"); err != nil || word != "never" {
		t.Errorf("never: %v, %q", err, word)
	}
	host.Describe(cmd, []string{"text", "json"}, map[int]string{0: "pass", 4: "inconclusive"})
	want := "0\tpass\n1\toperational error: a store, a source or a file could not be used\n2\tusage or document error\n4\tinconclusive\n"
	if got := cmd.Annotations[host.ExitCodes]; got != want {
		t.Errorf("exit codes %q, want %q", got, want)
	}
	if got := cmd.Annotations[host.Formats]; got != "text json" {
		t.Errorf("formats %q", got)
	}
}

func TestClosing(t *testing.T) {
	one, two := errors.New("one"), errors.New("two")
	fails := func() error { return two }
	fine := func() error { return nil }
	if err := host.Closing(nil, fine); err != nil {
		t.Error(err)
	}
	if err := host.Closing(nil, fails); !errors.Is(err, two) {
		t.Errorf("got %v", err)
	}
	if err := host.Closing(one, fails); !errors.Is(err, one) || !errors.Is(err, two) {
		t.Errorf("got %v", err)
	}
	if exit, ok := errors.AsType[host.ExitError](host.Closing(host.ExitWith(3), fine)); !ok || exit.Code != 3 {
		t.Error("an exit code is lost")
	}
	if host.ExitWith(0) != nil {
		t.Error("0 is an error")
	}
}

func TestNote(t *testing.T) {
	h := in(0)
	errs, ok := h.Err.(*bytes.Buffer)
	if !ok {
		t.Fatal("no buffer")
	}
	h.Note("%s\x1b[31m", "careful")
	if got := errs.String(); got != "nines: careful[31m\n" {
		t.Errorf("got %q", got)
	}
	errs.Reset()
	h.Quiet = true
	h.Note("careful")
	if errs.Len() > 0 {
		t.Errorf("quiet, and yet %q", errs.String())
	}
}

// TestPathList: the list's colon is also the one of addresses.
func TestPathList(t *testing.T) {
	if filepath.ListSeparator != ':' {
		t.Skip("lists have another separator here")
	}
	for list, want := range map[string][]string{
		"a:b":            {"a", "b"},
		"slo:s3://b/k:c": {"slo", "s3://b/k", "c"},
		"git+https://h:8443/g/r.git//slo?ref=main:/a": {"git+https://h:8443/g/r.git//slo?ref=main", "/a"},
		"git+https://h/r.git:git+file:///srv/r//slo":  {"git+https://h/r.git", "git+file:///srv/r//slo"},
		"a:8443": {"a", "8443"},
	} {
		if got := in(0, "NINES_CONFIG="+list).Paths(); !slices.Equal(got, want) {
			t.Errorf("%s is %q, want %q", list, got, want)
		}
	}
}
