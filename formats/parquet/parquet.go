// Package parquet makes a Parquet file of events. Such a file can only be made of all its rows, so these are kept as messages of
// pikabin.v1.Change, each with its length before it, until the file is complete.
package parquet

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"pikabin/decode/ordered"
)

// Options choose how a file is written. All of them but Workers change its bytes.
type Options struct {
	Codec      string // one of Codecs
	Level      int    // of the codec, as on the command line of zstd and gzip
	RowGroup   int64  // bytes of the messages that one row group is made of; 0: 16 MiB
	Timestamps bool   // with a column time, which is ts as a TIMESTAMP of microseconds
	NoDB       bool   // without the column db, which is in the names of folders: some readers refuse to have both
	Version    string // of this program, for the file's metadata
	Workers    int    // that make row groups at the same time; 0: one. See Memory.
}

// Memory is what a Sealer takes with row groups of so many bytes, 0 for the default. Each worker has the messages of a group, a page of them, plain
// and compressed, and the chunks of columns that they become; of two workers or more there is one group besides. A group of a single larger message
// takes more.
func Memory(rowGroup int64, workers int) int64 {
	return 4*cmp.Or(rowGroup, defaultRowGroup)*int64(workers) + sealerCost
}

// sealerCost is what a Sealer takes besides its row groups: the numbers of each column, and what the compression remembers.
const sealerCost = 64 << 20

// Codecs are the names of the compressions of a file, the default first.
var Codecs = []string{"zstd", "none", "snappy", "gzip"}

// A row group ends at the first of these bounds. Readers spread work by row groups, and want them large.
const (
	defaultRowGroup = 16 << 20
	rowsInGroup     = 128 << 10
)

// Sealer makes files, as many at a time as there are calls of Seal. They share the workers.
type Sealer struct {
	o        Options
	encoders chan *encoder // that have nothing to do: one for each worker
	groups   chan *group   // that are free: no more are in memory
	turn     chan struct{} // to read rows: no two files end at the same time, and what the end of one leaves free is for the next
}

// NewSealer makes one.
func NewSealer(o Options) (*Sealer, error) {
	o.RowGroup, o.Workers = cmp.Or(o.RowGroup, defaultRowGroup), max(o.Workers, 1)
	codec, err := newCodec(o)
	if err != nil {
		return nil, err
	}
	s := &Sealer{o: o, encoders: make(chan *encoder, o.Workers), groups: make(chan *group, o.groups()), turn: make(chan struct{}, 1)}
	for range o.Workers {
		s.encoders <- newEncoder(o, codec)
	}
	for range o.groups() {
		s.groups <- &group{}
	}
	return s, nil
}

// groups are how many row groups are in memory at most. One that is ready waits for those before it: where there are several workers another one can be
// read meanwhile.
func (o *Options) groups() int {
	if o.Workers == 1 {
		return 1
	}
	return o.Workers + 1
}

// Seal writes the file of all rows. The same rows become the same bytes, whatever the number of workers.
func (s *Sealer) Seal(ctx context.Context, rows io.Reader, w io.Writer) error {
	in := &spool{in: rows, bound: s.o.RowGroup, free: s.groups, turn: s.turn}
	out, err := newFile(w, s.o)
	if err != nil {
		return fmt.Errorf("making a Parquet file: %w", err)
	}
	defer in.endTurn()
	stages := ordered.Stages[*group, *group]{
		Next:   in.next,
		Worker: func() func(context.Context, uint64, *group) *group { return s.encode },
		Join: func(_ context.Context, g *group) error {
			defer in.put(g)
			return out.add(g)
		},
	}
	if err := ordered.Run(ctx, s.o.Workers, s.o.groups()-1, stages, in.put); err != nil {
		return fmt.Errorf("making a Parquet file: %w", err)
	}
	if err := out.close(); err != nil {
		return fmt.Errorf("making a Parquet file: %w", err)
	}
	return nil
}

// encode makes the chunks of a group, once an encoder has nothing to do.
func (s *Sealer) encode(_ context.Context, _ uint64, g *group) *group {
	e := <-s.encoders
	g.err = e.encode(g)
	s.encoders <- e
	return g
}
