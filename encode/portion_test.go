package encode_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/sample"
	"pikabin/encode"
	"pikabin/encode/frame"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/encode/stats"
)

// manyKeys writes records of many keys among others.
func manyKeys(t *testing.T, rng *rand.Rand) (dir string) {
	t.Helper()
	w := binlogtest.NewWriter(binlogtest.Options{SegmentSize: 200_000})
	for range 20 {
		w.Advance(rng.IntN(3000))
		w.Command("SET", "k", sinktest.Filler(rng, rng.IntN(20_000)))
		argv := []string{"DEL"}
		for i := range 1 + rng.IntN(300) {
			argv = append(argv, fmt.Sprintf("key%d", i))
		}
		if rng.IntN(2) == 0 {
			argv = append([]string{"MSET"}, argv[1:1+len(argv[1:])/2*2]...)
		}
		if len(argv) > 1 {
			w.Command(argv...)
		}
	}
	dir = t.TempDir()
	sinktest.WriteLogs(t, dir, w)
	return dir
}

// TestRunInPortions: records that are delivered in portions of any size become the same bytes and messages as whole ones, and the counts and
// positions are the same.
func TestRunInPortions(t *testing.T) {
	for seed := range sample.Count(uint64(4), 1) {
		rng := rand.New(rand.NewPCG(seed, 9))
		dir := manyKeys(t, rng)
		for _, compression := range []string{"none", "zstd"} {
			want, wantResult, wantFrames, _ := portioned(t, dir, compression, 1<<30)
			for range 3 {
				portion := int64(1 + rng.IntN(4000))
				got, result, frames, largest := portioned(t, dir, compression, portion)
				if !bytes.Equal(got, want) {
					t.Fatalf("portions of %d: %s", portion, sinktest.FirstDifference(got, want))
				}
				if diff := cmp.Diff(wantResult, result); diff != "" {
					t.Errorf("portions of %d: %s", portion, diff)
				}
				if got := largest - 4*portion; got > 10_000 {
					t.Errorf("portions of %d: a batch is %d bytes longer than four of them", portion, got)
				}
				if portion < 2000 && frames <= wantFrames {
					t.Errorf("portions of %d: %d batches, %d of whole records", portion, frames, wantFrames)
				}
			}
		}
	}
}

func portioned(t *testing.T, dir, compression string, portion int64) (plain []byte, volume stats.Volume, batches int, largest int64) {
	t.Helper()
	c, err := frame.Parse(compression)
	if err != nil {
		t.Fatal(err)
	}
	to, result, err := sinktest.Convert(t, dir, 1<<16, encode.Options{Workers: 2, Portion: portion, Compression: c})
	if err != nil {
		t.Fatal(err)
	}
	result.Written = 0
	if got, want := result.Committed[result.Logs[0]], sinktest.Find(t, dir)[0].Committed(); got != want {
		t.Errorf("portions of %d: committed %v, want %v", portion, got, want)
	}
	for _, f := range to.Frames {
		largest = max(largest, int64(len(f)))
	}
	return sinktest.Unpack(t, compression, to.Frames), result.Volume, len(to.Frames), largest
}

// TestRunMessagesInPortions is the same for a sink of messages, which cost much more than their text.
func TestRunMessagesInPortions(t *testing.T) {
	dir := manyKeys(t, rand.New(rand.NewPCG(5, 9)))
	texts := func(portion int64) []string {
		to := &sinktest.Messages{}
		opened := sink.Opened{Sink: to, Traits: sink.Traits{Messages: true}}
		source := sinktest.SourceOf(t, sinktest.Find(t, dir), 1<<16)
		if _, err := encode.Run(t.Context(), source, opened, encode.Options{Format: sinktest.Lines(), Portion: portion}); err != nil {
			t.Fatal(err)
		}
		return to.Texts
	}
	if diff := cmp.Diff(texts(1<<30), texts(20_000)); diff != "" {
		t.Errorf("whole, and in portions: %s", diff)
	}
}

// TestNoCheckpointInsideARecord: a sink that is asked for a checkpoint after each portion, or fails after some of them, has half a record in
// no checkpoint.
func TestNoCheckpointInsideARecord(t *testing.T) {
	dir := manyKeys(t, rand.New(rand.NewPCG(6, 9)))
	whole, _, _, _ := portioned(t, dir, "none", 1<<30)
	lines := slices.Collect(bytes.Lines(whole))
	broken := errors.New("the sink is broken")
	for _, fails := range sample.Of(sample.Numbers(1, 199, 7), 8) {
		to := &failing{memory: newMemory(uint64(fails)), left: fails, err: broken}
		save := func(c encode.Checkpoint) error {
			to.mu.Lock()
			defer to.mu.Unlock()
			checkWhole(t, lines, to.flushed, c)
			return nil
		}
		_, err := encode.Run(t.Context(), sinktest.SourceOf(t, sinktest.Find(t, dir), 1<<16), sink.Opened{Sink: to},
			encode.Options{Format: sinktest.Lines(), Portion: 1000, Workers: 3, Save: save, Fences: true})
		if err != nil && !errors.Is(err, broken) {
			t.Fatal(err)
		}
	}
}

// checkWhole compares how much has been flushed with the position of the checkpoint.
func checkWhole(t *testing.T, lines [][]byte, flushed int, c encode.Checkpoint) {
	t.Helper()
	want := 0
	for _, mark := range c.Marks {
		for _, line := range lines {
			var segment uint32
			var offset, end int64
			if _, err := fmt.Sscanf(string(line), "db0 %d:%d-%d ", &segment, &offset, &end); err != nil {
				t.Fatal(err)
			}
			if !mark.Position.Before(decode.Position{Segment: segment, Offset: end}) {
				want += len(line)
			}
		}
	}
	if flushed != want {
		t.Errorf("a checkpoint at %v of %d bytes, whole records are %d", c.Marks, flushed, want)
	}
}

// failing is a memory that fails at one of its writes.
type failing struct {
	*memory
	left    int
	flushed int
	err     error
}

func (f *failing) Write(ctx context.Context, b *sink.Batch, done func(error)) {
	if f.left--; f.left == 0 {
		b.Release()
		done(f.err)
		return
	}
	f.memory.Write(ctx, b, done)
}

func (f *failing) Flush(ctx context.Context, m sink.Moment) (any, error) {
	note, err := f.memory.Flush(ctx, m)
	if err == nil {
		f.mu.Lock()
		f.flushed = note.(memoryNote).Length
		f.mu.Unlock()
	}
	return note, err
}
