// Package term turns values into lines of text for a terminal or a pipe:
// tables that fit a width, budget bars, sparklines, numbers in words people
// read. Everything is a pure function of its arguments; a [Style] says what
// the reader's end can show.
package term
