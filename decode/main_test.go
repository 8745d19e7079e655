package decode_test

import (
	"testing"

	"pikabin/decode/binlogtest/testmain"
)

// TestMain: see testmain.
func TestMain(m *testing.M) { testmain.Run(m) }
