package evidence

import (
	"errors"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// Generation tells the version as far as it matters: the size of the physical header, the form of the
// payload, and whether an item's third field is a server id (G3) or a term (G4). Items look the same from 3.0
// on, so the last needs evidence, the strongest first:
//
//   - the first record a log ever had carries logic id 0 in G3 and 1 in G4;
//   - the manifest counts the last record in, so that its logic id is one higher than the record's in G3 and the
//     same in G4. Not so on replicas, which is why any other difference says nothing;
//   - a third field of 0 is a term, since a server id is 1 unless configured;
//   - segments that lie beside a manifest in a folder not named log_...: Pika 3.0, which had one DB.
//
// What is told by one record is not believed where others say something else: one that is damaged must not change the meaning of
// all others. G4 and G5 differ in nothing that an event shows, but for the deadlines that servers before 3.5 drop.
func (r *Reader) Generation(v *View) (g decode.Generation, before35 bool, err error) {
	if r.generation != decode.GenerationUnknown {
		return r.generation, false, nil // the decoder of the events is told of the version, too
	}
	newest, err := r.newestSample(v)
	if g = newest.form; err != nil || g != decode.G4 {
		return g, false, err
	}
	first := sample{}
	if v.Segments[0].Number == 0 {
		if first, err = r.sample(v, v.Segments[0]); err != nil {
			return g, false, err
		}
	}
	before, since := newest.before35, newest.since35
	if before+since == 0 {
		before, since = first.before35, first.since35
	}
	g, err = r.itemGeneration(v, &first, &newest)
	return g, g == decode.G4 && before > since, err
}

// itemGeneration tells G3 from G4 by the evidence listed above.
func (r *Reader) itemGeneration(v *View, first, newest *sample) (decode.Generation, error) {
	// Higher ids stand there too: write2file0 begins anew after a full sync or when a manifest was lost.
	if first.counted && first.firstID <= 1 {
		return itemGenerationIf(first.firstID == 0), nil
	}
	ahead, ok, err := r.manifestAhead(v)
	switch {
	case err != nil:
		return decode.GenerationUnknown, err
	case ok && ahead <= 1:
		return itemGenerationIf(ahead == 1), nil
	case newest.third == 0:
		return decode.G4, nil
	default:
		flat := v.ManifestErr == nil && folder.IsFlat(r.dir.Path)
		return itemGenerationIf(flat), nil
	}
}

func itemGenerationIf(old bool) decode.Generation {
	if old {
		return decode.G3
	}
	return decode.G4
}

// manifestAhead is the manifest's logic id less that of the record that ends at its position.
func (r *Reader) manifestAhead(v *View) (uint64, bool, error) {
	if v.ManifestErr != nil || !v.Manifest.HasLogicID {
		return 0, false, nil
	}
	at := v.Manifest.Position
	i, ok := folder.Find(v.Segments, at.Segment)
	if !ok || v.Segments[i].Compression != folder.Plain || at.Offset > v.Segments[i].Size {
		return 0, false, nil
	}
	f, err := r.dir.OpenPlain(v.Segments[i])
	if err != nil {
		return 0, false, err
	}
	defer f.Close()
	e, err := r.Ending(f, decode.Span{Log: r.dir.ID, Segment: at.Segment, Generation: decode.G4}, at.Offset)
	if err != nil || !e.Found || e.Last.End != at.Offset || e.Last.Has&decode.HasLogicID == 0 || e.Last.LogicID > v.Manifest.LogicID {
		return 0, false, err
	}
	return v.Manifest.LogicID - e.Last.LogicID, true, nil
}

// Family is the form of the newest records, before the manifest is understood; unknown when there are none. A
// file that cannot be read says so again when it is needed.
func (r *Reader) Family(v *View) decode.Generation {
	newest, err := r.newestSample(v)
	if err != nil {
		return decode.GenerationUnknown
	}
	return newest.form
}

// SegmentGeneration is the generation of one segment, which differs from the log's when the server was upgraded.
func (r *Reader) SegmentGeneration(v *View, s folder.Segment) decode.Generation {
	o, ok := r.openings[s.Number]
	if r.generation != decode.GenerationUnknown || !ok || !o.Found || o.Generation == decode.G4 && v.Generation >= decode.G3 {
		return v.Generation
	}
	return o.Generation
}

// DeniesZeros is why a manifest of zeros is not believed; nil if it may be that of a new server. That has made write2file0 anew, or emptied it, and
// puts no second record into it before the manifest names the first one. What else there is would be of an older history.
func (r *Reader) DeniesZeros(v *View) error {
	if len(v.Segments) == 0 {
		return nil
	}
	if v.Segments[0].Number > 0 {
		return errors.New("it holds zeros, and write2file0 is not there: a new server has that file beside its manifest")
	}
	if taken, err := r.readSample(v, v.Segments[0]); err == nil && len(taken.stamps) > 1 { // a file that cannot be read says so again when it is needed
		return errors.New("it holds zeros, and write2file0 holds records: a power failure, or a copy that was cut, has taken what it said")
	}
	return nil
}
