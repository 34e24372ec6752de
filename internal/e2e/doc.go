// Package e2e holds no code: its tests run the whole program as a process and
// hold its answers against numbers that somebody else computed.
package e2e
