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
// workers may read; Log.Chunks walks a log in order; SeekTime and SeekLogicID find positions.
// What is odd but harmless is data (Note), never a log line.
package binlog
