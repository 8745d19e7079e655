package image_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/decode/replica/image"
)

// sizes are of payloads that end in each way that a block can end.
func sizes(r *rand.Rand, at int64) int64 {
	left := decode.BlockSize - at%decode.BlockSize
	switch r.IntN(4) {
	case 0:
		return max(left-8-r.Int64N(20), 1)
	case 1:
		return left + r.Int64N(4)*(decode.BlockSize-8) + r.Int64N(20) + 1
	case 2:
		return 1 + r.Int64N(300000)
	}
	return 1 + r.Int64N(200)
}

// withoutTimes makes the times of all headers in a segment zero.
func withoutTimes(b []byte, records []binlogtest.Want) []byte {
	b = bytes.Clone(b)
	for _, rec := range records {
		for at := rec.Offset; at < rec.End; at = image.Begin(at) {
			clear(b[at+3 : at+7])
			at += 8 + decode.ParseFragment(b[at:], 8).Length
			if at == rec.End {
				break
			}
		}
	}
	return b
}

// TestRebuilt puts segments together that a server has written, and gives them out in parts.
func TestRebuilt(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 1))
	for range 40 {
		w := binlogtest.NewWriter(binlogtest.Options{})
		for range 1 + r.IntN(20) {
			w.Record(bytes.Repeat([]byte{byte(r.Int())}, int(sizes(r, w.Position().Offset))))
		}
		records := w.Records()
		from := r.IntN(len(records)) // what is before it is not there
		pool := image.NewPool(64 << 20)
		im := image.New(pool, records[from].Offset)
		var have []byte
		shown := records[from].Offset
		for _, rec := range records[from:] {
			if begin := image.Begin(max(shown, rec.Offset)); begin != rec.Offset || image.End(begin, int64(len(rec.Payload))) != rec.End {
				t.Fatalf("record at %d to %d: laid out at %d to %d", rec.Offset, rec.End, begin, image.End(begin, int64(len(rec.Payload))))
			}
			if err := im.Add(t.Context(), rec.Offset, int64(len(rec.Payload)), bytes.NewReader(rec.Payload)); err != nil {
				t.Fatal(err)
			}
			if head := im.Head(int64(len(rec.Payload))); !bytes.Equal(head, rec.Payload[:len(head)]) {
				t.Fatalf("head %x", head)
			}
			im.Show()
			view, release := im.View(shown, rec.End, true)
			part := make([]byte, rec.End-shown)
			if _, err := view.ReadAt(part, shown); err != nil {
				t.Fatal(err)
			}
			for at := shown; at < rec.End; {
				bytesAt := view.(decode.InMemory).At(at)
				if !bytes.HasPrefix(part[at-shown:], bytesAt) || len(bytesAt) == 0 {
					t.Fatalf("at %d: %d bytes, which are others", at, len(bytesAt))
				}
				at += int64(len(bytesAt))
			}
			release()
			have, shown = append(have, part...), rec.End
		}
		want := withoutTimes(w.Bytes(0), records)[records[from].Offset:]
		if !bytes.Equal(have, want) {
			t.Fatal("other bytes")
		}
		im.Close()
		if pool.Used() != 0 {
			t.Fatalf("%d bytes are still used", pool.Used())
		}
	}
}

// TestBound reads as long as there is room, waits for what is shown to be let go of, and takes one record that is larger than all.
func TestBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 4 * decode.BlockSize
		pool := image.NewPool(limit)
		a, b := image.New(pool, 0), image.New(pool, 0)
		add := func(im *image.Image, begin, size int64) error {
			return im.Add(t.Context(), begin, size, io.LimitReader(zeros{}, size))
		}
		size := int64(limit - 4*8) // all there is
		if err := add(a, 0, size); err != nil {
			t.Fatal(err)
		}
		a.Show()
		second := make(chan error)
		go func() { second <- add(b, 0, 3*size) }()
		synctest.Wait()
		if used := pool.Used(); used > limit {
			t.Fatalf("%d bytes are used", used)
		}
		_, release := a.View(0, limit, true)
		synctest.Wait()
		select {
		case err := <-second:
			t.Fatal("it did not wait: ", err)
		default:
		}
		release()
		if err := <-second; err != nil {
			t.Fatal(err)
		}
		third := make(chan error)
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() { third <- a.Add(ctx, limit, 10, io.LimitReader(zeros{}, 10)) }()
		synctest.Wait() // one is over the limit already
		gone := errors.New("gone")
		cancel(gone)
		if err := <-third; !errors.Is(err, gone) {
			t.Fatal(err)
		}
		b.Drop(0)
		if err := add(a, limit, 10); err != nil {
			t.Fatal(err)
		}
		a.Close()
		b.Close()
		if pool.Used() != 0 {
			t.Fatalf("%d bytes are still used", pool.Used())
		}
	})
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
