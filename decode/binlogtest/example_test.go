package binlogtest_test

import (
	"fmt"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

func Example() {
	w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G4})
	w.Command("SET", "s1", "v1")
	w.Fill(8) // leaves room for a header and nothing else
	w.Command("DEL", "s1")
	for _, r := range w.Records() {
		fmt.Printf("%d:%d to %d after %v, id %d: %s\n", r.Segment, r.Offset, r.End, r.Prev, r.LogicID, r.Argv()[0])
	}
	fmt.Println("manifest says", w.Position())
	// Output:
	// 0:0 to 71 after 0:0, id 1: SET
	// 0:71 to 65528 after 0:71, id 2: SET
	// 0:65528 to 65599 after 0:65528, id 3: DEL
	// manifest says 0:65599
}
