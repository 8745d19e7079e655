package binlogtest

import (
	"errors"
	"fmt"

	"pikabin/decode"
)

// HoleName is the kind of a hole and its range, such as "Gap 2:500 to 4:0".
func HoleName(hole decode.Hole) string {
	_, from, to := hole.Hole()
	return fmt.Sprintf("%s %v to %v", holeKind(hole), from, to)
}

func holeKind(hole decode.Hole) string {
	var (
		gap       *decode.GapError
		purged    *decode.PurgedError
		cut       *decode.CutShortError
		rewritten decode.Rewritten
	)
	switch {
	case errors.As(hole, &rewritten):
		return "Rewritten"
	case errors.As(hole, &gap):
		return "Gap"
	case errors.As(hole, &purged):
		return "Purged"
	case errors.As(hole, &cut):
		return "CutShort"
	}
	return "Hole"
}
