// Package decode takes Pika's binlog apart: bytes to records, records to entries, entries to changes.
// It is pure. It reads from an io.ReaderAt, opens no files, logs nothing and starts no goroutines.
//
//	Scanner   a span of a segment  ->  records     framing, damage, the end of the data
//	Decoder   a record             ->  changes     item headers, RESP, the command table
//	Walker    a span of a segment  ->  both        how to continue after damage, and what is lost there
//	Chain     spans                ->  the log     nothing between two spans is lost silently
//
// The rest of this comment is the specification of what is read. All integers are little-endian.
//
// # Generations
//
// The log has had six forms. Names of segments, blocks and fragment types are the same in all of them.
//
//	      Pika          fragment header   payload of a record
//	G0    2.0           4 bytes           RESP
//	G1    2.1, 2.2      8 bytes           RESP
//	G2    2.3           8 bytes           RESP with four more arguments, one array or several
//	G3    3.0 - 3.2     8 bytes           item header with a server id, RESP
//	G4    3.3 - 3.5.1   8 bytes           item header with a term, RESP
//	G5    3.5.2 -       8 bytes           as G4; a replica writes its own values into it
//
// A server may be upgraded in the middle of a segment, so what can be told from the bytes of a record is
// told from them. Only the meaning of an item's third field cannot.
//
// # Files
//
// A log is a folder with a file manifest and segments write2file0, write2file1 and so on, of which the
// number has no leading zeros. A segment is closed when a record is to be put after more than
// binlog-file-size bytes (100 MiB unless configured); a record lies in one segment, so that a segment is
// longer than that by up to one record. Offsets count from the start of the segment's file.
//
// The manifest is 65536 bytes, of which these mean something:
//
//	2.x    0        8                      20       24
//	       +--------+----------------------+--------+
//	       | offset | of no use            | number |
//	       +--------+----------------------+--------+
//
//	3.0-   0        4        12            20       24
//	       +--------+--------+-------------+--------+
//	       | number | offset | logic id    | term   |     no term before 3.3
//	       +--------+--------+-------------+--------+
//
// # What is committed
//
// Number and offset in the manifest are where the next record will be put. Everything before is complete;
// nothing after it may be read. There may be zeros, since the file grows by regions of megabytes; or the
// record being written; or what a server that was killed has left, which a later one overwrites, and which
// can look like anything, a record included. Span.Limit is this commit point for the newest segment.
//
// An older segment is cut to the end of its records when it is closed, but not if nothing was put into it
// since the server started: then zeros or stale bytes stay after its end. Span.Final says that the limit
// is known to be the true end. The first record of the next segment can tell: its item names the end of
// the segment before.
//
// # Blocks and fragments
//
// A segment is a sequence of blocks of 65536 bytes, and a block a sequence of fragments, each with a
// header:
//
//	2.0    0          3      4
//	       +----------+------+---------------
//	       | length   | type | payload ...
//	       +----------+------+---------------
//
//	2.1-   0          3            7      8
//	       +----------+------------+------+---------------
//	       | length   | time       | type | payload ...
//	       +----------+------------+------+---------------
//
// The length is that of this fragment's payload, 24 bits. The time is the server's clock, in seconds,
// when the fragment was written; it is the only time that G1 has. The types are 1 full, 2 first, 3 middle,
// 4 last and 6 filler. There is no checksum.
//
//	0                                                 65536                        131072
//	+--------+------+-----------------+--------+-------++--------------------------++----
//	| header | full | header | full   | header | first || header | middle          || header | last ...
//	+--------+------+-----------------+--------+-------++--------------------------++----
//
// A record is cut at the ends of blocks only. So first and middle fragments reach the end of their block,
// middle and last ones begin with a block, and records are never interleaved. Two things follow for readers:
// at the start of any block is a header (or filler without one), so that reading can begin there; and a
// fragment that breaks the rule is damage. No fragment is longer than the rest of its block.
//
// When fewer bytes than a header are left in a block, they are the trailer: zeros, and written only
// together with the record after them. A file may end without its last trailer. When the bytes left are
// exactly a header, that is what they hold: a first fragment of length 0, whose record continues in the next
// block with a middle or last one.
//
//	bytes left   0          1 ... h-1   h                        more
//	what comes   a header   trailer     first, of length 0       a header and payload
//
// A full fragment of length 0 is a record without payload: 3.3.0 to 3.3.5 log a SETNX that did not set as
// one. A header of zeros ends the data where only zeros follow, and is damage elsewhere.
//
// # Filler
//
// After a full sync a replica continues at the master's position. It makes the segment of that number again
// and fills it up to there:
//
//	2.0 - 3.0.9, 3.1.0               whole blocks of spaces without a header, then a full record of spaces
//	3.0.10 - 3.0.16, 3.1.1 - 3.3.1   full records of at most a block, each with a padding item
//	3.3.2 -                          type 6 fragments of at most a block, full of '*'
//
// A segment that begins so is a break: what its log holds before is of another history.
//
// # Payload
//
// A command is an array of bulk strings, as clients send it: *3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n. The
// arguments may hold any bytes. Lengths have no leading zeros but in padding items. G0 and G1 have one such
// array in a record, and nothing else.
//
// In G2 the array has four more arguments at its end, which count as arguments. MSET and MSETNX are several
// arrays in one record.
//
//	n-4   "__PIKA_X#$SKGI"
//	n-3   server id, as text
//	n-2   0         4         8               16
//	      +---------+---------+---------------+
//	      | time    | segment | offset        |      empty on a replica that can be written to,
//	      +---------+---------+---------------+      "X" for what came from a hub
//	n-1   "1" or "0"
//
// From G3 on an item header is in front of the array. 3.0.0 to 3.0.4 put several items into the record of an
// MSET.
//
//	0      2        6           10           18         22           30         34
//	+------+--------+-----------+------------+----------+------------+----------+---------
//	| 1    | time   | server id | logic id   | segment  | offset     | length   | RESP ...
//	|      |        | or term   |            |          |            | of RESP  |
//	+------+--------+-----------+------------+----------+------------+----------+---------
//
// The time is that of the command's execution. Segment and offset are the writer's position before the
// record was put, that is, the end of the record before: in front of a trailer if there is one, and in the
// segment before for the first record after a rotation. Replicas before G5 copy these fields from their
// master, and its positions may be others than theirs. So an item names its place, but it is no identity:
// that is where the first fragment's header lies. The logic id grows by one with each record of a master,
// from 0 in G3 and from 1 later; it starts again after a full sync.
//
// A padding item has zeros for all fields but type and length, and the command "padding" with a length of
// five digits. A client's PADDING is logged as one too, and from 3.5.2 on as an item inside an item. Padding
// changes nothing.
//
// # Damage
//
// With no checksum, damage shows in three ways: a header that cannot be where it is, a payload that does
// not parse, or records that do not join. CorruptError names the first byte that does not fit.
// Scanner.Resync continues at the next place where a record can be told to begin; Walker has the rules around it.
//
// # Glossary
//
//	segment    a file write2fileN of the log
//	block      65536 bytes of a segment
//	fragment   a header and its payload, within one block
//	record     what the server put at once: one full fragment, or a first, middles and a last
//	entry      one command of a record: its item header, where it has one, and its arguments
//	change     what an entry says about one key: the event that comes out
//	chunk      the unit of work: a span of blocks of one segment
//	position   segment:offset; a position to resume from is always the end of a record
//	end        the position after a record
//	epoch      how often the history of the log was replaced by another
//	fence      a fingerprint of the bytes before a position, which tells whether the history is still the same
//	hole       a range of the log that cannot be read: a gap, or a segment that is cut short
//	gap        segments that are missing
//	lost       a range that was passed over because of damage
//	torn       a record of which only the beginning was written
//	cut short  a segment that ends before the place where the next one says that it ends
//	filler     what a replica fills a segment with, up to its master's position
//	generation one of the six forms of the log
package decode
