// Package testmain runs the tests of packages that make and throw away much: sweeps, and suites of thousands of small runs.
package testmain

import (
	"os"
	"runtime/debug"
	"testing"

	"go.uber.org/goleak"
)

// garbage is how much is thrown away before it is collected, in percent of what is in use. Of tests little is in use, so that the usual 100 has the
// collector take up to a third of their time.
const garbage = 400

// Run is the TestMain of such a package. It fails when a goroutine outlives the tests: a run has to end all that it began.
func Run(m *testing.M) { goleak.VerifyTestMain(Seldom{m}) }

// Seldom are tests that collect their garbage seldom. GOGC, if it is set, is kept to.
type Seldom struct{ *testing.M }

// Run runs the tests.
func (s Seldom) Run() int {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	return s.M.Run()
}
