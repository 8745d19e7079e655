package binlog

import (
	"slices"

	"pikabin/decode"
)

// findGeneration tells the version as far as it matters: the size of the physical header, the form of the
// payload, and whether an item's third field is a server id (G3) or a term (G4). Items look the same from 3.0
// on, so the last needs evidence, the strongest first:
//
//   - the first record a log ever had carries logic id 0 in G3 and 1 in G4;
//   - the manifest counts the last record in, so that its logic id is one higher than the record's in G3 and the
//     same in G4. Not so on replicas, which is why any other difference says nothing;
//   - a third field of 0 is a term, since a server id is 1 unless configured;
//   - segments that lie beside a manifest in a folder not named log_...: Pika 3.0, which had one DB.
//
// G4 and G5 differ in nothing that an event shows.
func (l *Log) findGeneration() (decode.Generation, error) {
	if l.options.Generation != decode.GenerationUnknown {
		return l.options.Generation, nil
	}
	o, err := l.newestOpening()
	if err != nil || !o.found || o.generation != decode.G4 {
		return o.generation, err
	}
	return l.itemGeneration(o)
}

// itemGeneration tells G3 from G4 by the evidence listed above.
func (l *Log) itemGeneration(newest opening) (decode.Generation, error) {
	if first := l.around[0]; first.Number == 0 {
		o, err := l.opening(first)
		if err != nil {
			return o.generation, err
		}
		// Higher ids stand there too: write2file0 begins anew after a full sync or when a manifest was lost.
		if o.found && o.has&decode.HasLogicID != 0 && o.offset == 0 && o.logicID <= 1 {
			return itemGenerationIf(o.logicID == 0), nil
		}
	}
	ahead, ok, err := l.manifestAhead()
	switch {
	case err != nil:
		return decode.GenerationUnknown, err
	case ok && ahead <= 1:
		return itemGenerationIf(ahead == 1), nil
	case newest.third == 0:
		return decode.G4, nil
	default:
		flat := l.manifestErr == nil && l.isFlat()
		return itemGenerationIf(flat), nil
	}
}

func itemGenerationIf(old bool) decode.Generation {
	if old {
		return decode.G3
	}
	return decode.G4
}

// isFlat reports whether the folder's name is none that Pika 3.1 and later give.
func (l *Log) isFlat() bool {
	id, err := identifyName(l.dir)
	return id == nil && err == nil
}

// manifestAhead is the manifest's logic id less that of the record that ends at its position.
func (l *Log) manifestAhead() (uint64, bool, error) {
	if l.manifestErr != nil || !l.manifest.HasLogicID {
		return 0, false, nil
	}
	at := l.manifest.Position
	i, ok := findSegment(l.around, at.Segment)
	if !ok || l.around[i].Compression != Plain || at.Offset > l.around[i].Size {
		return 0, false, nil
	}
	f, err := l.openPlain(l.around[i])
	if err != nil {
		return 0, false, err
	}
	defer f.Close()
	e, err := l.probe.readEnding(f, decode.Span{Log: l.id, Segment: at.Segment, Generation: decode.G4}, at.Offset)
	if err != nil || !e.boundary || !e.found || e.last.has&decode.HasLogicID == 0 || e.last.logicID > l.manifest.LogicID {
		return 0, false, err
	}
	return l.manifest.LogicID - e.last.logicID, true, nil
}

// newestOpening is the opening of the newest segment that has one.
func (l *Log) newestOpening() (opening, error) {
	for _, segment := range slices.Backward(l.around) {
		o, err := l.opening(segment)
		if err != nil || o.found {
			return o, err
		}
	}
	return opening{}, nil
}

// family is the form of the newest records, before the manifest is understood; unknown when there are none. A
// file that cannot be read says so again when it is needed.
func (l *Log) family() decode.Generation {
	o, err := l.newestOpening()
	if err != nil {
		return decode.GenerationUnknown
	}
	return o.generation
}

// segmentGeneration is the generation of one segment, which differs from the log's when the server was upgraded.
func (l *Log) segmentGeneration(s Segment) decode.Generation {
	o, ok := l.openings[s.Number]
	if l.options.Generation != decode.GenerationUnknown || !ok || !o.found || o.generation == decode.G4 && l.generation >= decode.G3 {
		return l.generation
	}
	return o.generation
}
