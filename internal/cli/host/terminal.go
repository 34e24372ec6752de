package host

import (
	"strings"

	"gitlab.com/nines-sre/nines/internal/render/term"
)

// Values of --color.
const (
	ColorAuto   = "auto"
	ColorAlways = "always"
	ColorNever  = "never"
)

func (h *Host) style(size func() (columns, lines int, ok bool)) term.Style {
	columns, _, tty := size()
	s := term.Style{Unicode: h.unicode(), Decor: tty}
	if tty {
		s.Width = columns
	}
	switch h.Color {
	case ColorAlways:
		s.Color = true
	case ColorNever:
	default:
		s.Color = tty && h.Getenv("NO_COLOR") == "" && h.Getenv("TERM") != "dumb"
	}
	return s
}

// unicode says whether the locale is a UTF-8 one; the first of the three
// variables that is set decides, as POSIX has it.
func (h *Host) unicode() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := h.Getenv(name); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}
