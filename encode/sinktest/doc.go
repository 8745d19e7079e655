// Package sinktest is what tests of outputs share.
//
// Suite is the conformance suite: each output runs it in its own package, in ten lines. For a sink.Resumable on a disk it checks the
// order, that done is called once for each batch and means durable, that each batch is released, the full disk, an error and a crash at
// every call to the disk, the resumption from the state, and what is said of an output that was changed meanwhile. For a sink without a
// disk it checks the order, done and Release.
//
// The rest is what the suite is made of, for tests of other things: logs with what has to come out of them, a source and sinks in memory,
// and what a run tells.
package sinktest
