// Package damaged makes damaged logs, by the thousand: logs of any generation as servers leave them that are stopped, killed and
// started again at any moment, also around a rotation, with some of their bytes changed or files missing afterwards.
//
// A Log says by itself what a reader has to find in it: what was committed, and which bytes are damaged. None of that comes from
// the code that reads logs.
package damaged
