// Package pikamaster is a simulated Pika server as replicas see it: its replication port and its ordinary one, over the log folders
// of a real server or of package pikasim. It follows what servers of each version were seen to do, with their faults: the reader
// that skips or fails, the window, acknowledgements that close a connection or stop the stream, sessions that end in silence.
//
// It is strict: a request that could harm a real server is told to Options.Forbidden. It is test support; the program does not use it.
// Time is that of package time, so that a test may run it in a bubble of testing/synctest.
package pikamaster
