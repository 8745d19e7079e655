// Package inner is the schema of Pika's replication protocol, generated from inner.proto.
package inner

//go:generate go -C ../../../scripts/protogen run . ../.. decode/replica/inner/inner.proto
