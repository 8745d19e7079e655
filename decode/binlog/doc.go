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
// Find makes a Log of every such folder. Log.Chunks walks a log in order; SeekTime and SeekLogicID find positions; Fence tells whether a log is still
// the one that was read. What is odd but harmless is data (Oddity), never a log line.
//
// The rooms below: folder is what lies in a folder, evidence what single records tell, follow reads the logs of a server that is
// writing them, and pin, the one that writes, keeps segments by hard links.
//
// # What is committed
//
// The manifest is the commit point: the server stores it after the bytes it speaks of, so that what lies
// below its position is whole and what lies past it belongs to no record. Neither the size of a file nor a look at its
// content can take its place: files end in preallocated zeros and, after a crash, in stale bytes that parse. A
// Log is what manifest and listing said at one moment, manifest first; Refresh takes another look.
//
// # What is missing
//
// Segments are purged from the low end while they are read, copies are incomplete and archives get damaged. None of this
// ends a Plan: each missing range comes out of Next in its place, as a chunk with a decode.Hole that names both of its ends, and
// the next call continues after it. Whether to continue is the caller's decision.
//
// # What it costs
//
// To find a log takes two reads of its manifest and a few of its segments' first records. To know the true end of a
// segment takes the first record of the next one and, where the file is longer than that says, one block.
// Nothing is proportional to the size of a segment but unpacking an archive.
package binlog
