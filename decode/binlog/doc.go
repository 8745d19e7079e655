// Package binlog reads Pika's binlog folders. It finds the logs below a path, says what of them is
// committed, and hands out spans of segments for package decode to read.
//
// The folder belongs to a server that may be writing at this moment, so everything here is read only
// and works by plain reads: a mapping would turn a segment that Pika cuts short into a SIGBUS.
//
//	log folder      manifest, write2file0, write2file1, ...     Pika 2.0 to 3.0, and one DB of later versions
//	                log_db0/, log_db1/, ...                     Pika 3.1 and later: a log for each DB
//	                log_db0/0/, log_db0/1/, ...                 sharding mode of Pika 3.1 to 3.4: one for each slot
//
// The pieces: Find makes a Log of every such folder; Log.Open gives a File that any number of
// workers may read; Log.Chunks walks a log in order; SeekTime and SeekLogicID find positions. Tail follows all the logs of a
// server that is writing them.
// What is odd but harmless is data (Note), never a log line.
//
// # What is committed
//
// The manifest is the commit point: the server stores it after the bytes it speaks of, so that what lies
// below its position is whole and what lies behind is nobody's. Neither the size of a file nor a look at its
// content can take its place: files end in preallocated zeros and, after a crash, in stale bytes that parse. A
// Log is what manifest and listing said at one moment, manifest first; Refresh takes another look.
//
// # What is missing
//
// Segments are purged from the low end while they are read, copies are incomplete and archives get damaged. None of this
// ends a Plan: each missing range comes out of Next in its place, as an error that names both of its ends
// (decode.Hole), and the next call goes on behind it. Whether to go on is the caller's decision.
//
// A log that is followed can also be replaced under the reader's hands, by a full sync, a truncation or a server that lost its
// manifest; segments keep their names and even their inodes then. Tail holds the segment it reads open and compares file, size
// and the bytes that it read last before it reads on. It reports a *RewrittenError and goes on where the present
// history begins. What leaves no trace it cannot see: before Pika 2.3, a full sync to the beginning of a segment, or one whose
// segment was purged before anybody looked.
//
// # What it costs
//
// To find a log takes two reads of its manifest and a few of its segments' first records. To know the true end of a
// segment takes the first record of the next one and, where the file is longer than that says, one block.
// Nothing is proportional to the size of a segment but unpacking an archive.
package binlog
