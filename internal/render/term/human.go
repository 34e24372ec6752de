package term

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Unknown stands for a value that could not be known.
const Unknown = "-"

// Percent prints a share as a percentage. What is not quite nothing or not
// quite all never reads as if it were: 1 is 100%, 0.9999 with one digit is
// 99.9%, 0.0004 is <0.1%.
func Percent(share float64, digits int) string {
	if math.IsNaN(share) || math.IsInf(share, 0) {
		return Unknown
	}
	scale := math.Pow10(digits)
	v := math.Round(share*100*scale) / scale
	switch {
	case share == 0 || share == 1:
		return strconv.FormatFloat(v, 'f', 0, 64) + "%"
	case v >= 100 && share < 1:
		v = 100 - 1/scale
	case v == 0 && share > 0:
		return "<" + strconv.FormatFloat(1/scale, 'f', digits, 64) + "%"
	case v == 0 && share < 0:
		v = -1 / scale
	}
	return strconv.FormatFloat(v, 'f', digits, 64) + "%"
}

// PercentDown is Percent rounded down, for what is held against a target: it
// never flatters.
func PercentDown(share float64, digits int) string {
	scale := math.Pow10(digits)
	// A hair is added against 0.29*100 = 28.999...
	return Percent(math.Floor(share*100*scale+1e-9)/scale/100, digits)
}

// PercentOf is Percent of what may be unknown (nil).
func PercentOf(share *float64, digits int) string {
	if share == nil {
		return Unknown
	}
	return Percent(*share, digits)
}

// Rate prints a burn rate with three digits or so: 200, 33.3, 8.33, 0.07.
func Rate(v *float64) string {
	if v == nil || math.IsNaN(*v) {
		return Unknown
	}
	switch a := math.Abs(*v); {
	case a == 0:
		return "0"
	case a < 0.01:
		return "<0.01"
	case a < 10:
		return strconv.FormatFloat(*v, 'f', 2, 64)
	case a < 100:
		return strconv.FormatFloat(*v, 'f', 1, 64)
	default:
		return Count(math.Round(*v))
	}
}

// Count prints a number of events with thousands separators; a fraction keeps
// up to two digits below a thousand, none above.
func Count(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Unknown
	}
	digits := 2
	if math.Abs(v) >= 1000 {
		digits = 0
	}
	text := strconv.FormatFloat(v, 'f', digits, 64)
	whole, frac, _ := strings.Cut(text, ".")
	frac = strings.TrimRight(frac, "0")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	var b strings.Builder
	for i, r := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	if frac != "" {
		frac = "." + frac
	}
	return sign + b.String() + frac
}

// Duration prints a length of time in its two largest units: "12d 4h",
// "42m", "1h 5m", "30s".
func Duration(d time.Duration) string {
	if d < 0 {
		return "-" + Duration(-d)
	}
	units := []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}}
	for i, u := range units {
		if d < u.size {
			continue
		}
		out := strconv.FormatInt(int64(d/u.size), 10) + u.name
		if i+1 < len(units) {
			if rest := d % u.size / units[i+1].size; rest > 0 {
				out += " " + strconv.FormatInt(int64(rest), 10) + units[i+1].name
			}
		}
		return out
	}
	return "0s"
}

// Instant prints a time in its location, to the minute, with the zone's name.
func Instant(t time.Time) string {
	if t.IsZero() {
		return Unknown
	}
	return t.Format("2006-01-02 15:04 MST")
}

// Plural prints a number of things: "1 file", "2 files".
func Plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return Count(float64(n)) + " " + word + "s"
}
