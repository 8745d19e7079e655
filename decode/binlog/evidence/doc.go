// Package evidence is what single records tell of a log: with what a segment begins, where its records end, which version of Pika
// wrote it, and where the present history begins. Neither the size of a file nor a look at its content can tell that: files end in
// preallocated zeros and, after a crash, in stale bytes that parse.
package evidence
