package replica

import (
	"errors"
	"io"
	"runtime"
	"testing"

	"pikabin/decode"
	"pikabin/decode/replica/chain"
)

// TestEnding looks for chunks while the last one is handed out and the log ends: the end never comes first, and neither does an error.
func TestEnding(t *testing.T) {
	errEnd := errors.New("the end")
	for i := range 300 {
		var want error
		if i%2 == 0 {
			want = errEnd
		}
		f := &follower{notify: func() {}}
		s := &Stream{followers: []*follower{f}}
		go func() {
			f.skip(&chain.LeftOutError{To: decode.Position{Segment: 1}})
			f.finish(want)
		}()
		chunks := 0
		_, ok, err := s.round()
		for ; err == nil; _, ok, err = s.round() {
			if ok {
				chunks++
			}
			runtime.Gosched()
		}
		if want == nil {
			want = io.EOF
		}
		if chunks != 1 || !errors.Is(err, want) {
			t.Fatalf("run %d: %d chunks, then %v", i, chunks, err)
		}
	}
}
