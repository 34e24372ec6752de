package openslo

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// The limits of OpenSLO v1.
const (
	maxName        = 63
	maxDescription = 1050
)

// NameFormat is a name after RFC 1123: what OpenSLO asks of metadata.name.
func NameFormat() *Format {
	return newFormat("name", `^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`, func(s string) (string, string) {
		switch {
		case s == "":
			return "must not be empty", ""
		case len(s) > maxName:
			return fmt.Sprintf("has %d letters, more than %d", len(s), maxName), ""
		case !isName(s):
			return fmt.Sprintf("%q is not a name after RFC 1123", short(s)), nameHint(s)
		}
		return "", ""
	})
}

func isName(s string) bool {
	if s == "" || len(s) > maxName || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

func nameHint(s string) string {
	const rule = "lower-case letters, digits and -, with a letter or digit at both ends"
	var b strings.Builder
	for _, c := range strings.ToLower(s) {
		if (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') {
			b.WriteRune(c)
			continue
		}
		b.WriteByte('-')
	}
	if better := strings.Trim(b.String(), "-"); isName(better) {
		return rule + `: "` + better + `"`
	}
	return rule
}

// lengthFormat is a text of at most n letters.
func lengthFormat(name string, n int) *Format {
	f := newFormat(name, "", func(s string) (string, string) {
		if got := utf8.RuneCountInString(s); got > n {
			return fmt.Sprintf("has %d letters, more than %d", got, n), ""
		}
		return "", ""
	})
	f.Limits = map[string]any{"maxLength": n}
	return f
}

// filledFormat is any text but the empty one.
func filledFormat() *Format {
	return newFormat("text", `\S`, func(s string) (string, string) {
		if strings.TrimSpace(s) == "" {
			return "must not be empty", ""
		}
		return "", ""
	})
}

// patternFormat is a text that matches an expression.
func patternFormat(name, pattern, want string) *Format {
	re := regexp.MustCompile(pattern)
	return newFormat(name, pattern, func(s string) (string, string) {
		if !re.MatchString(s) {
			return fmt.Sprintf("%q is not %s", short(s), want), ""
		}
		return "", ""
	})
}

// DurationFormat is OpenSLO's duration shorthand, above zero.
func DurationFormat() *Format {
	return newFormat("duration", `^0*[1-9][0-9]*[mhdwMQY]$`, func(s string) (string, string) {
		if _, err := Length(s); err != nil {
			return "is wrong: " + err.Error(), ""
		}
		return "", ""
	})
}

// LengthFormat is a duration of a fixed length: m, h, d or w.
func LengthFormat() *Format {
	return newFormat("duration", `^0*[1-9][0-9]*[mhdw]$`, func(s string) (string, string) {
		if _, err := slo.ParseLength(s); err != nil {
			return "is wrong: " + err.Error(), ""
		}
		return "", ""
	})
}

// Length reads a duration in minutes, with 30 days to a month, 90 to a quarter
// and 365 to a year.
func Length(s string) (slo.Minute, error) {
	nominal := map[byte]string{'M': "30", 'Q': "90", 'Y': "365"}
	if s == "" || nominal[s[len(s)-1]] == "" {
		return slo.ParseLength(s)
	}
	if _, err := slo.ParseCalendar(s, time.Time{}, time.UTC); err != nil {
		return 0, err
	}
	n, err := slo.ParseLength(s[:len(s)-1] + "d")
	if err != nil {
		return 0, err
	}
	days, err := slo.ParseLength(nominal[s[len(s)-1]] + "d")
	return n / slo.Day * days, err
}

// rangeFormat is a decimal number in a range; why explains each end.
func rangeFormat(name string, limits map[string]any, ok func(slo.Decimal) string) *Format {
	f := newFormat(name, "", func(s string) (string, string) {
		v, err := slo.ParseDecimal(s)
		if err != nil {
			return "is wrong: " + err.Error(), ""
		}
		return ok(v), ""
	})
	f.Limits = limits
	return f
}

// DecimalFormat is any plain decimal number.
func DecimalFormat() *Format {
	return rangeFormat("number", nil, func(slo.Decimal) string { return "" })
}

// PositiveFormat is a decimal number above zero.
func PositiveFormat() *Format {
	return rangeFormat("number", map[string]any{"exclusiveMinimum": 0}, func(v slo.Decimal) string {
		if v.Sign() <= 0 {
			return "must be above 0"
		}
		return ""
	})
}

// ShareFormat is a decimal number in (0, 1].
func ShareFormat() *Format {
	return rangeFormat("share", map[string]any{"exclusiveMinimum": 0, "maximum": 1}, func(v slo.Decimal) string {
		if v.Sign() <= 0 || v.Cmp(slo.MustDecimal("1")) > 0 {
			return "must be above 0 and at most 1"
		}
		return ""
	})
}

// targetFormat is a target below whole, the number that means all of it.
func targetFormat(whole int64) *Format {
	return rangeFormat("target", map[string]any{"exclusiveMinimum": 0, "exclusiveMaximum": whole}, func(v slo.Decimal) string {
		full := slo.MustDecimal(strconv.FormatInt(whole, 10))
		switch {
		case v.Sign() < 0:
			return "must not be negative"
		case v.Sign() == 0:
			return "is 0: everything meets it, so it promises nothing"
		case v.Cmp(full) == 0:
			return fmt.Sprintf("is %d: 100 %% leaves no error budget, so the first error breaks it and every burn rate is infinite", whole)
		case v.Cmp(full) > 0 && whole == 1:
			return "must be below 1; a percentage is written as targetPercent"
		case v.Cmp(full) > 0:
			return "must be below 100"
		}
		return ""
	})
}

// StartFormat is the start of a calendar window: a civil date and time.
func StartFormat() *Format {
	return newFormat("time", `^\d{4}-\d{2}-\d{2}( \d{2}:\d{2}:\d{2})?$`, func(s string) (string, string) {
		if _, err := ParseStart(s, time.UTC); err != nil {
			return fmt.Sprintf("%q is not a time", short(s)), `write it as "2026-01-01 00:00:00", in the time zone beside it`
		}
		return "", ""
	})
}

// ParseStart reads a calendar window's start in its zone.
func ParseStart(s string, loc *time.Location) (time.Time, error) {
	if t, err := time.ParseInLocation(time.DateTime, s, loc); err == nil {
		return t, nil
	}
	return time.ParseInLocation(time.DateOnly, s, loc)
}

// ZoneFormat is the name of a time zone in the IANA database.
func ZoneFormat() *Format {
	return newFormat("zone", `^[A-Za-z][A-Za-z0-9_+/-]*$`, func(s string) (string, string) {
		if _, err := Zone(s); err != nil {
			return fmt.Sprintf("%q is not a time zone", short(s)), "take a name of the IANA database, as in Europe/Berlin or UTC"
		}
		return "", ""
	})
}

// Zone loads a time zone by its IANA name; "Local" depends on the machine and
// is refused.
func Zone(s string) (*time.Location, error) {
	if s == "" || s == "Local" {
		return nil, fmt.Errorf("%q is not the name of a time zone", s)
	}
	return time.LoadLocation(s)
}
