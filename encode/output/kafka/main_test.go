package kafka_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs many tests at once, since they wait for brokers most of the time, and fails when a goroutine outlives them: a run has to end all that
// it began.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "8"); err != nil { // -parallel is read after it
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
