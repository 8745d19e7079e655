// Package encode is the engine, the way from the chunks of a log to a sink: workers turn chunks into batches of encoded changes, the
// batches are put back into log order and delivered, and what has been acknowledged moves the position. What is counted on the way is in
// package stats.
//
// The words, each of which means one thing:
//
//	chunk       a range of a segment that one worker reads
//	batch       what became of one chunk, as a sink is handed it (sink.Batch)
//	parcel      a batch with what the engine needs of it: its chunk, its buffers, its share of the budget
//	message     one change of a batch, for sinks that deliver each by itself
//	release     the sink needs the bytes of a batch no more, which may be long before it is done
//	done        the batch is durable as far as the sink promises
//	note        what a sink has to know to continue its output, kept in the state
//	piece       what of a batch belongs to one hour, for folders with partitions
//	portion     what of a record with very many changes is delivered at a time
//	cut         where a piece starts in the bytes that are not yet compressed
//	frame       compressed bytes that can be read by themselves
//	part        a file of a folder, which consumers see once it is complete
//	position    a place in a log: a segment and an offset
//	fence       a fingerprint of what is before a position
//	epoch       how often the history of a log has been replaced
//	mark        a position with its fence and its epoch: where a run can continue
//	account     how far one log has come; the ledger has one for each log
//	checkpoint  the marks of all logs, with the sink's note of its output at these places
//	hole        a range of a log that the source cannot give
//	lost        a damaged range that was skipped
//	torn        cut off in the middle of a record, at the end of a log
package encode
