package merge

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"pikabin/encode/output/folder"
	"pikabin/encode/readback"
	"pikabin/formats/parquet"
)

// Sum is what a file holds: two with the same events in the same order have the same.
type Sum struct {
	Rows        int64
	First, Last readback.Key      // if there are rows
	SHA256      [sha256.Size]byte // of the messages, each after its length
}

// rows are the events of parts, one after the other. They end at the first that is not in its place.
type rows struct {
	parts  []Part // that are not open yet
	format *readback.Format
	origin parquet.Origin // of the parts, if they are of Parquet

	part     Part // that is open
	file     File
	messages readback.Messages

	among   func(readback.Key) bool // which events count; nil: all
	read    int64
	at      readback.Key // of the last one that was read
	omitted int64        // that do not count

	held Sum // but for the hash
	hash hash.Hash
}

func newRows(parts []Part, format string) (*rows, error) {
	f, err := readback.Lookup(format)
	if err != nil {
		return nil, err
	}
	r := &rows{parts: parts, format: f, hash: sha256.New()}
	if format == "parquet" {
		r.origin, err = originOf(parts)
	}
	return r, err
}

// originOf tells how parts of Parquet were made, which has to be the same for all.
func originOf(parts []Part) (first parquet.Origin, err error) {
	for i, p := range parts {
		file, err := p.Open()
		if err != nil {
			return first, err
		}
		origin, err := parquet.OriginOf(file, file.Size())
		if err = errors.Join(err, file.Close()); err != nil {
			return first, fmt.Errorf("%s: %w", p.Name, err)
		}
		if i == 0 {
			first = origin
		} else if origin != first {
			return first, fmt.Errorf("%s has other columns, another compression or another DB than %s", p.Name, parts[0].Name)
		}
	}
	return first, nil
}

// next gives the next message, which is good until the next call, or io.EOF.
func (r *rows) next(ctx context.Context) ([]byte, error) {
	for {
		if r.messages == nil {
			if err := r.open(); err != nil {
				return nil, err
			}
		}
		message, err := r.messages.Next(ctx)
		switch {
		case err == io.EOF: //nolint:errorlint // what wraps it is an error
			r.close()
		case err != nil:
			return nil, fmt.Errorf("%s: event %d: %w", r.part.Name, r.read+1, err)
		default:
			if counts, err := r.take(message); counts || err != nil {
				return message, err
			}
		}
	}
}

// open begins to read the next part.
func (r *rows) open() (err error) {
	if len(r.parts) == 0 {
		return io.EOF
	}
	r.part, r.parts = r.parts[0], r.parts[1:]
	if r.file, err = r.part.Open(); err != nil {
		return err
	}
	if r.messages, err = r.format.File(r.file, r.origin.DB); err != nil {
		return fmt.Errorf("%s: %w", r.part.Name, err)
	}
	return nil
}

// take sees that a message is of the log of its part, and after the one before it, and tells whether it counts.
func (r *rows) take(message []byte) (counts bool, err error) {
	place, err := r.format.Place(message)
	switch {
	case err != nil:
		return false, fmt.Errorf("%s: %w", r.part.Name, err)
	case folder.Series(&place.Log) != r.part.Series:
		return false, fmt.Errorf("%s holds an event of %s, at %s", r.part.Name, &place.Log, place.Key)
	case r.read > 0 && place.Key.Compare(r.at) <= 0:
		return false, fmt.Errorf("%s holds the event at %s, and the one before it is at %s: the events of its folder are there twice, or are not in order", r.part.Name, place.Key, r.at)
	}
	r.at = place.Key
	r.read++
	if r.among != nil && !r.among(place.Key) {
		r.omitted++
		return false, nil
	}
	r.count(place.Key, message)
	return true, nil
}

// count adds an event to the sum.
func (r *rows) count(at readback.Key, message []byte) {
	if r.held.Rows == 0 {
		r.held.First = at
	}
	r.held.Last = at
	r.held.Rows++
	r.hash.Write(binary.AppendUvarint(nil, uint64(len(message))))
	r.hash.Write(message)
}

// drain reads what is left.
func (r *rows) drain(ctx context.Context) error {
	for {
		if _, err := r.next(ctx); err == io.EOF { //nolint:errorlint // what wraps it is an error
			return nil
		} else if err != nil {
			return err
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
}

func (r *rows) sum() Sum {
	s := r.held
	r.hash.Sum(s.SHA256[:0])
	return s
}

// close lets go of the part that is open.
func (r *rows) close() {
	if r.messages != nil {
		r.messages.Close()
	}
	if r.file != nil {
		r.file.Close() //nolint:gosec // nothing was written
	}
	r.messages, r.file = nil, nil
}
