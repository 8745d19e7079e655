// Package traffic reckons what a log consists of: events and bytes by time, command, type, DB and prefix, the keys that come most often, the largest
// values, the deadlines, the flushes. It is an output of a run, so that all that a run can read, select and skip can be reckoned: the encoder makes a
// digest of each change in the workers, lanes reckon the digests side by side, and a summary puts the lanes together at any time. (What a run tells of
// itself is another thing: encode/stats.)
//
// Nothing depends on the number of workers: a batch goes to the lane of its number. Memory is bounded, whatever the number of keys.
package traffic
