// Package run is one convert or tail from its start to its end: which files it may write, where each log is read from, what it
// shows of itself, and what it says when it has ended. It knows logs and outputs by interfaces alone.
//
// # How a run ends
//
// Job.Run is given one channel and one context. stop is closed when the run is told to end: by the first signal. From then on
// nothing more is read, and what was read is delivered and saved. An output that waits for room, for brokers or for its turn
// gives up. An output that makes no progress for the time that its Traits name is left to itself: the run
// ends with a *LeftError then, and with it the process. The end of the context ends everything at once.
package run
