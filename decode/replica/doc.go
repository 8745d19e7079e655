// Package replica reads the logs of a Pika server over its replication protocol, as a replica that takes its records and asks for
// nothing else. It gives the same chunks as package follow does of files: the records are put into an image of their segment (package image).
//
// A Server is the one that is read, of several hosts. Open begins to read logs of it; a Stream has a follower for each, with a
// connection and an identity of its own. What a follower does:
//
//   - attach: TrySync at the beginning of the last record that was read, so that what comes first shows whether the history is the same;
//   - read: each record has to lie where the one before and its own length say, and name the end of the one before where a segment begins;
//   - acknowledge what is in memory, but for what the server's purge would take away too early (hold);
//   - judge how a connection has ended, and attach again.
//
// Nothing that it sends changes a server. In the quiet way of attaching, the default, the server does not count it as a replica.
package replica
