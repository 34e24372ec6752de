package slo

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// maxLength bounds windows and look-backs: ten years and a bit.
const maxLength = 3660 * Day

// ParseLength reads a fixed length as OpenSLO writes it: a number and m
// (minutes), h, d or w. Months, quarters and years have no fixed length and
// are refused, as is everything that is not positive.
func ParseLength(s string) (Minute, error) {
	n, unit, err := splitDuration(s)
	if err != nil {
		return 0, err
	}
	var m Minute
	switch unit {
	case 'm':
		m = 1
	case 'h':
		m = Hour
	case 'd':
		m = Day
	case 'w':
		m = Week
	default:
		return 0, fmt.Errorf("%q has no fixed length: write days, or use a calendar window", s)
	}
	return checkLength(s, n, m)
}

// ParseRolling reads the duration of a rolling window.
func ParseRolling(s string) (Rolling, error) {
	m, err := ParseLength(s)
	return Rolling{Length: m}, err
}

// ParseCalendar reads the duration of a calendar window (h, d, w, M, Q, Y) that
// is counted from start, a clock reading in loc.
func ParseCalendar(s string, start time.Time, loc *time.Location) (Calendar, error) {
	n, letter, err := splitDuration(s)
	if err != nil {
		return Calendar{}, err
	}
	for unit := CalendarHour; unit <= CalendarYear; unit++ {
		if unit.letter() != string(letter) {
			continue
		}
		if _, err := checkLength(s, n, unit.nominal()); err != nil {
			return Calendar{}, err
		}
		return Calendar{N: int(n), Unit: unit, Start: start, Location: loc}, nil
	}
	return Calendar{}, fmt.Errorf("%q cannot be a calendar window: m is minutes, a month is M", s)
}

func splitDuration(s string) (int64, byte, error) {
	if s == "" {
		return 0, 0, errors.New("a duration is missing: write a number and one of m h d w M Q Y, as in 30d")
	}
	digits, unit := s[:len(s)-1], s[len(s)-1]
	n, err := strconv.ParseUint(digits, 10, 31)
	known := unit == 'm' || unit == 'h' || unit == 'd' || unit == 'w' || unit == 'M' || unit == 'Q' || unit == 'Y'
	if err != nil || !known {
		return 0, 0, fmt.Errorf("%q is not a duration: write a number and one of m h d w M Q Y, as in 30d", clip(s))
	}
	if n == 0 {
		return 0, 0, fmt.Errorf("%q is no time at all: a duration is at least one unit long", s)
	}
	return int64(n), unit, nil
}

func checkLength(s string, n int64, unit Minute) (Minute, error) {
	if n > int64(maxLength/unit) {
		return 0, fmt.Errorf("%q is too long: ten years are the most", s)
	}
	return Minute(n) * unit, nil
}

// FormatLength prints a length in its largest whole unit of d, h and m: "30d",
// "90m". ParseLength reads it back.
func FormatLength(m Minute) string {
	switch {
	case m != 0 && m%Day == 0:
		return strconv.FormatInt(int64(m/Day), 10) + "d"
	case m != 0 && m%Hour == 0:
		return strconv.FormatInt(int64(m/Hour), 10) + "h"
	}
	return strconv.FormatInt(int64(m), 10) + "m"
}
