// Package shell is what a shell or a supervisor hands to the program: signals, and a standard output that may be closed.
package shell

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// echo is how long signals after the first one are taken for the same request: timeout(1) signals the program and then its group, in which the program
// is, and so does a supervisor while a terminal's Ctrl-C goes to both.
const echo = time.Second

// Interruptible makes a context that the first SIGINT or SIGTERM ends, with a cause. Another one ends the program at once, unless it comes within a
// second of the first; when that is over waiting is called, if stop was not: whatever takes so long, a person may not want to wait for it.
// A closed pipe is an error of the write, not a signal.
func Interruptible(cause error, waiting func()) (ctx context.Context, stop func()) {
	signal.Ignore(syscall.SIGPIPE)
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	// A hangup, of a terminal that was closed or of a service that is told to reload, never ends a run.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	var interrupted sync.WaitGroup
	stopped := make(chan struct{})
	interrupted.Go(func() {
		select {
		case <-signals:
			cancel(cause)
		case <-stopped:
			return
		}
		select {
		case <-time.After(echo):
			signal.Stop(signals)
			waiting()
		case <-stopped:
		}
	})
	return ctx, func() {
		close(stopped)
		interrupted.Wait()
		signal.Stop(hangups)
		signal.Stop(signals)
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
