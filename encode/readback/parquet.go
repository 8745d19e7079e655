package readback

import (
	"context"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go"
)

// rowsAtOnce is how many rows of a Parquet file are read at a time.
const rowsAtOnce = 64

// rows are those of a Parquet file.
type rows struct {
	in      *parquet.GenericReader[row]
	noDB    *string // nil: the rows have it
	batch   []row
	left    []row // of the batch
	message []byte
	err     error // after the batch
}

func parquetFile(f File, noDB string) (_ Messages, err error) {
	defer failed(&err) // the library panics at some damage
	file, err := parquet.OpenFile(f, f.Size())
	if err != nil {
		return nil, fmt.Errorf("reading a Parquet file: %w", err)
	}
	r := &rows{in: parquet.NewGenericReader[row](file), batch: make([]row, rowsAtOnce)}
	if _, ok := file.Schema().Lookup("db"); !ok {
		r.noDB = &noDB
	}
	return r, nil
}

// failed makes an error of a panic.
func failed(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the Parquet file is damaged: %v", p)
	}
}

// Next implements Messages.
func (r *rows) Next(context.Context) ([]byte, error) {
	if len(r.left) == 0 {
		r.read()
	}
	if len(r.left) == 0 {
		return nil, r.err
	}
	one := &r.left[0]
	r.left = r.left[1:]
	if r.noDB != nil {
		one.DB = r.noDB
	}
	message, err := one.appendMessage(r.message[:0])
	if err == nil {
		r.message = message
	}
	return message, err
}

func (r *rows) read() {
	defer failed(&r.err)
	if r.err != nil {
		return
	}
	clear(r.batch)
	n, err := r.in.Read(r.batch)
	r.left, r.err = r.batch[:n], err
	if n == 0 && err == nil {
		r.err = errors.New("the Parquet file gives no rows")
	}
}

// Close implements Messages.
func (r *rows) Close() { r.in.Close() } //nolint:gosec // nothing was written
