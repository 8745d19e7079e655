package decode

import (
	"errors"
	"fmt"
)

// What is wrong with bytes that cannot be what they should be. A CorruptError wraps one of them, or
// an error that wraps one of them and says more.
var (
	ErrBadType     = errors.New("no such fragment type")
	ErrBadLength   = errors.New("fragment runs past its block")
	ErrBadSequence = errors.New("fragment out of sequence")
	ErrZeros       = errors.New("zeros where a record should be")
	ErrBadTrailer  = errors.New("block trailer is not zero")
	ErrTorn        = errors.New("record is not complete")
	ErrBadItem     = errors.New("item header does not fit its record")
	ErrBadRESP     = errors.New("content is not RESP")
	ErrBadChain    = errors.New("item names another position than the end of the record before it")
)

// CorruptError is damage in a segment. Offset is the first bad byte, fit for xxd -s.
type CorruptError struct {
	Segment uint32
	Offset  int64
	Err     error
}

// Error reads "write2file12 at 4128776 (0x3f0008): fragment runs past its block".
func (e *CorruptError) Error() string {
	return fmt.Sprintf("write2file%d at %d (%#x): %v", e.Segment, e.Offset, e.Offset, e.Err)
}

// Unwrap gives one of the sentinels of this package.
func (e *CorruptError) Unwrap() error { return e.Err }
