// Package pikasim does on a real folder what a Pika server does while it runs: segments and manifest are shared
// mappings, stored to in the order in which Pika stores, so that a reader beside it meets what it would meet beside
// a server: half-written records, a manifest between two stores, preallocated zeros, purged, replaced and stale segments.
// It is test support; the program does not use it, and it exists on unix only.
//
// A Server runs in the process of a test, which may look, pause or kill it between any two stores (Options.Step).
// Package process has the program around servers, for what has to be killed as a process.
//
// The order of things is that of Binlog::Put, Binlog::Produce, Version::StableSave, Binlog::SetProducerStatus and
// Binlog::Truncate of Pika, and of the MmapWritableFile of slash and pstd below them. The bytes are those of package binlogtest.
package pikasim
