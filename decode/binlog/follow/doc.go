// Package follow reads the logs of a server that is writing them.
//
// A log that is followed can be replaced while it is read, by a full sync, a truncation or a server that lost its
// manifest; segments keep their names and even their inodes then. Tail holds the segment it reads open and compares file, size
// and the bytes that it read last before it reads on. It reports a *decode.RewrittenError and continues where the present
// history begins. What leaves no trace it cannot see: before Pika 2.3, a full sync to the beginning of a segment, or one whose
// segment was purged before a look at it.
package follow
