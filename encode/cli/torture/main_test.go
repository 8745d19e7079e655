//go:build unix

package torture

import (
	"testing"

	"pikabin/encode/cli/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m) }
