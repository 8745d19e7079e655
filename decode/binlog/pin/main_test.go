package pin_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a goroutine outlives the tests: pins that are closed look for nothing any more.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
