// Package shell is what a shell or a supervisor hands to the program: signals, and a standard output that may be closed.
package shell

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Interruptible makes a context that the first SIGINT or SIGTERM ends, with a cause; the second one ends the program
// at once. A closed pipe is an error of the write, not a signal.
func Interruptible(cause error) (context.Context, func()) {
	signal.Ignore(syscall.SIGPIPE)
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	// A hangup, of a terminal that was closed or of a service that is told to reload, never ends a run.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		if _, ok := <-signals; ok {
			signal.Stop(signals)
			cancel(cause)
		}
	}()
	return ctx, func() {
		signal.Stop(hangups)
		signal.Stop(signals)
		close(signals)
		cancel(nil)
	}
}

// Hangups gives what receives once for each SIGHUP, until done is called.
func Hangups() (roll <-chan struct{}, done func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	c, ended := make(chan struct{}), make(chan struct{})
	go func() {
		for {
			select {
			case <-signals:
			case <-ended:
				return
			}
			select {
			case c <- struct{}{}:
			case <-ended:
				return
			}
		}
	}()
	return c, func() {
		signal.Stop(signals)
		close(ended)
	}
}
