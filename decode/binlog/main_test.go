package binlog_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a goroutine outlives the tests: a plan that is closed unpacks nothing any more.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
