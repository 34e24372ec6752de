package csv

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// The timestamp formats a row may have without a timeFormat in the spec.
const (
	formatRFC3339  = "rfc3339"
	formatDatetime = "datetime" // 2006-01-02 15:04:05, UTC
	formatUnix     = "unix"     // whole seconds
)

// Timestamps outside these bounds are mistakes: milliseconds for seconds, a
// year of two digits.
const (
	earliest = 0          // 1970
	latest   = 7258118400 // 2200-01-01
)

var (
	errNoTime = errors.New("is no timestamp (RFC 3339, 2006-01-02 15:04:05 as UTC, or Unix seconds)")
	errMillis = errors.New("looks like milliseconds; Unix timestamps are in seconds")
	errRange  = errors.New("lies outside the years 1970 to 2199")
)

// stamp reads a timestamp as Unix seconds, rounded down, and says which format
// it has. With a format given, only that one is read: a name above or a Go
// layout, UTC unless it says a zone.
func stamp(s, format string) (int64, string, error) {
	if format == "" {
		format = detect(s)
	}
	var sec int64
	switch format {
	case "":
		return 0, "", errNoTime
	case formatUnix:
		n, err := strconv.ParseInt(strings.TrimSuffix(s, ".0"), 10, 64)
		if err != nil {
			return 0, "", errNoTime
		}
		if n > latest && n/1000 <= latest {
			return 0, "", errMillis
		}
		sec = n
	default:
		t, err := time.Parse(layout(format), s)
		if err != nil {
			return 0, "", errNoTime
		}
		sec = t.Unix()
	}
	if sec < earliest || sec >= latest {
		return 0, "", errRange
	}
	return sec, format, nil
}

// detect tells the three formats apart; no timestamp fits two of them.
func detect(s string) string {
	switch {
	case len(s) > 10 && s[4] == '-' && s[10] == 'T':
		return formatRFC3339
	case len(s) > 10 && s[4] == '-' && s[10] == ' ':
		return formatDatetime
	case s != "" && strings.Trim(strings.TrimSuffix(s, ".0"), "0123456789") == "":
		return formatUnix
	}
	return ""
}

func layout(format string) string {
	switch format {
	case formatRFC3339:
		return time.RFC3339
	case formatDatetime:
		return time.DateTime
	}
	return format
}

// validFormat says whether a spec's timeFormat is a name above or a layout with
// a full date and a time.
func validFormat(f string) bool {
	if f == formatRFC3339 || f == formatDatetime || f == formatUnix {
		return true
	}
	at := time.Date(2031, 11, 23, 17, 42, 0, 0, time.UTC)
	back, err := time.Parse(f, at.Format(f))
	return err == nil && back.Equal(at)
}
