// Package image puts segments together again from the payloads of their records, so that what reads segments of files reads
// what comes over the network. An image is the server's segment byte for byte, but for the times in the headers of fragments.
//
// Its blocks are of a pool, which bounds them all. A view keeps those that it shows until it is released.
package image
