// Package torture holds the tests that run the program as a process, beside a writer that does what a Pika server does: both are
// killed and stopped at random moments, disks run full, brokers go away. What came out is compared with what was committed.
package torture
