package store

import "time"

// How long an answer is waited for, and how slow sending may be.
const (
	AnswerTime = time.Minute
	slowest    = 64 << 10 // bytes in a second
)

// Patience is how long sending or reading so many bytes may take.
func Patience(size int64) time.Duration {
	return AnswerTime + time.Duration(size/slowest)*time.Second
}
