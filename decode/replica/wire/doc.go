// Package wire reads and writes the frames of Pika's replication protocol, and the items in them.
//
// A frame is a length of four bytes, big-endian, and a protobuf message. It has no checksum. A frame of the server may be of any
// length, for it holds whole records: it is read as it comes, item by item, and nothing is allocated by a length alone.
package wire
