package encode_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/sinktest"
)

// TestRefuses damages the beginning of logs at random: what is refused by a look at the first chunk is a run that fails and writes nothing, and
// the other way round.
func TestRefuses(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	refused, taken := 0, 0
	for n := range 200 {
		w := binlogtest.NewWriter(binlogtest.Options{})
		for i := range 20 {
			w.Command("SET", fmt.Sprintf("k%d", i), sinktest.Filler(random, 1+random.IntN(100)))
		}
		dir := t.TempDir()
		sinktest.WriteLogs(t, dir, w)
		path := filepath.Join(dir, "log_db0", "write2file0")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for range random.IntN(3) {
			data[random.IntN(300)] ^= 1 << random.IntN(8)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		chunk, err := sinktest.SourceOf(t, sinktest.Find(t, dir), 1<<16).Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		o := encode.Options{Format: sinktest.Lines()}
		refusal := o.Refuses(&chunk)
		chunk.Release()
		to, _, err := sinktest.Convert(t, dir, 1<<16, o)
		if fails := err != nil && to.Len() == 0; fails != (refusal != nil) {
			t.Fatalf("log %d: refused: %v; the run writes %d bytes: %v", n, refusal, to.Len(), err)
		}
		if refusal != nil {
			refused++
		} else {
			taken++
		}
	}
	if refused < 20 || taken < 20 {
		t.Errorf("%d logs are refused, %d are taken", refused, taken)
	}
}
