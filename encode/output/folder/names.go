package folder

import (
	"maps"
	"path/filepath"
	"strings"

	"pikabin/decode"
	"pikabin/encode/sink"
)

// names are the last names that were given, by the key of the part. They keep parts apart that begin at one position: the event of a
// missing range has the position of the record after it, and the part of the one may have been shown and moved away when that of the other is
// named. Positions that a log has passed come no more, and are forgotten.
type names map[string]partID

// partID is the name of a part, and what it is made of.
type partID struct {
	Log   string          `json:"log"`
	Name  string          `json:"name"`
	Epoch uint32          `json:"epoch,omitempty"`
	At    decode.Position `json:"at"`
	Again int             `json:"again,omitempty"` // as in the name
}

// idOf is what an open part tells of itself, which is not where in its segment it begins.
func idOf(p *partNote) partID {
	log := strings.TrimSuffix(p.Key, string(filepath.Separator)+filepath.Dir(p.Name))
	return partID{Log: log, Name: p.Name, Epoch: p.Epoch, At: decode.Position{Segment: p.At}}
}

// next is the first number that has not been given to a part that begins at a place.
func (n names) next(key string, epoch uint32, at decode.Position) int {
	if last, ok := n[key]; ok && last.Epoch == epoch && last.At == at {
		return last.Again + 1
	}
	return 0
}

// passed forgets the places of a log before the end of a batch.
func (n names) passed(b *sink.Batch) {
	log := b.Log.String()
	maps.DeleteFunc(n, func(_ string, last partID) bool {
		return last.Log == log && (last.Epoch < b.Epoch || last.Epoch == b.Epoch && last.At.Before(b.End))
	})
}
