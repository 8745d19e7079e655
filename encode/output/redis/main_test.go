package redis_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a goroutine outlives the tests: a run has to end all that it began.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
