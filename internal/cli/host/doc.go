// Package host is what every verb of the command line is given: the process
// it runs in, the global flags, and a way to open documents and stores. Verbs
// never touch the operating system's globals themselves.
package host
