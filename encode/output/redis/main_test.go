package redis_test

import (
	"testing"

	"pikabin/decode/binlogtest/testmain"
)

// TestMain fails when a goroutine outlives the tests: a run has to end all that it began.
func TestMain(m *testing.M) { testmain.Run(m) }
