// Package folder is what lies in the folders of Pika's binlogs: segments, plain and packed, and the manifest. It lists, opens
// and reads; what the bytes mean, and which of them are committed, other packages judge.
//
// Everything here is read only and works by plain reads: a mapping would turn a segment that Pika cuts short into a SIGBUS.
package folder
