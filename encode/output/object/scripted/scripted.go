// Package scripted lets the servers of tests answer badly when they are told to.
package scripted

import (
	"slices"
	"sync"
)

// Answer is how a request is answered. The zero value is as it should be.
type Answer struct {
	Code   string // of the error; empty: as it should be
	Status int    // HTTP's
	Done   bool   // what was asked for is done all the same
	Reset  bool   // the connection ends in place of an answer
	Before func() // if set, is called before anything is done
}

// Does says that what was asked for is done.
func (a *Answer) Does() bool { return a.Code == "" && !a.Reset || a.Done }

// Requests is what a server was asked, and how it is to answer.
type Requests struct {
	mu     sync.Mutex
	calls  []string
	script func(call int, what string) Answer
}

// Script decides on the answers from now on: call counts the requests from 1 on, and what is such as "PUT prefix/name".
func (r *Requests) Script(script func(call int, what string) Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.script = script
}

// Calls are the requests so far.
func (r *Requests) Calls() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

// Decide notes a request, and asks the script.
func (r *Requests) Decide(what string) Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, what)
	if r.script == nil {
		return Answer{}
	}
	return r.script(len(r.calls), what)
}
