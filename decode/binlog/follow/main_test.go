package follow_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a goroutine outlives the tests: a tail that is closed watches nothing any more.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
