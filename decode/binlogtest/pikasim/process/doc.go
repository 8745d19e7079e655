// Package process is the program around the servers of pikasim: a load generator that obeys commands on its standard input and
// keeps a journal of what it has committed. Main is that program, Start runs it in another process from a Go test,
// scripts/pikasim from a shell, and ReadJournal tells what was committed, however the process ended.
//
// It exists on unix only, as pikasim does.
package process
