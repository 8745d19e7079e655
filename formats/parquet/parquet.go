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
// and compressed, and the chunks of columns that they become. A group of a single larger message takes more.
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

// Sealer makes files. It can be used again, by one goroutine at a time.
type Sealer struct {
	o        Options
	encoders []*encoder  // of the workers
	groups   chan *group // one for each, so that no more are in memory
}

// NewSealer makes one.
func NewSealer(o Options) (*Sealer, error) {
	o.RowGroup, o.Workers = cmp.Or(o.RowGroup, defaultRowGroup), max(o.Workers, 1)
	codec, err := newCodec(o)
	if err != nil {
		return nil, err
	}
	s := &Sealer{o: o, groups: make(chan *group, o.Workers)}
	for range o.Workers {
		s.encoders = append(s.encoders, newEncoder(o, codec))
		s.groups <- &group{}
	}
	return s, nil
}

// Seal writes the file of all rows. The same rows become the same bytes, whatever the number of workers.
func (s *Sealer) Seal(ctx context.Context, rows io.Reader, w io.Writer) error {
	in := &spool{in: rows, bound: s.o.RowGroup, free: s.groups}
	out, err := newFile(w, s.o)
	if err != nil {
		return fmt.Errorf("making a Parquet file: %w", err)
	}
	worker := 0
	stages := ordered.Stages[*group, *group]{
		Next: in.next,
		Worker: func() func(context.Context, uint64, *group) *group {
			e := s.encoders[worker]
			worker++
			return func(_ context.Context, _ uint64, g *group) *group {
				g.err = e.encode(g)
				return g
			}
		},
		Join: func(_ context.Context, g *group) error {
			defer in.put(g)
			return out.add(g)
		},
	}
	if err := ordered.Run(ctx, s.o.Workers, s.o.Workers-1, stages, in.put); err != nil {
		return fmt.Errorf("making a Parquet file: %w", err)
	}
	if err := out.close(); err != nil {
		return fmt.Errorf("making a Parquet file: %w", err)
	}
	return nil
}
