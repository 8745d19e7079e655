package encode

import (
	"errors"
	"fmt"

	"pikabin/decode"
)

// errLarge ends a look at a record that would take much memory.
var errLarge = errors.New("a large record")

// Refuses looks at the first chunk of a log, and gives the error of a run that would end before its first record. What comes after that
// is found out by the run.
func (o *Options) Refuses(chunk *decode.Chunk) error {
	switch {
	case chunk.Missing != nil && !o.Skips(chunk.Missing):
		return chunk.Missing
	case chunk.Blocks == nil || o.SkipCorrupt:
		return nil
	}
	decoder, err := decode.NewDecoder(o.Decoder)
	if err != nil {
		return err
	}
	w := decode.Walker{Decoder: decoder}
	w.Scanner.Reserve = func(int64) error { return errLarge }
	w.Reset(chunk.Blocks, chunk.Span)
	came := w.Next()
	covered, err := w.Coverage()
	if err != nil {
		return nil //nolint:nilerr // the run will say it, if it is one
	}
	return firstDamage(&covered, came)
}

// firstDamage is the damage in front of the first record, or instead of it.
func firstDamage(covered *decode.Coverage, came bool) error {
	var chain decode.Chain
	err := chain.Add(covered, func(l decode.Lost) error { return fmt.Errorf("%s: %w", l.Log, l.Err) })
	if damage := chain.Damage(); err == nil && !came && damage != nil {
		err = fmt.Errorf("%s: %w", covered.Log, damage)
	}
	return err
}
