// Package run is one convert or tail from its start to its end: which files it may write, where each log is read from, what it
// shows of itself, and what it says when it has ended. It knows logs and outputs by interfaces alone.
package run
