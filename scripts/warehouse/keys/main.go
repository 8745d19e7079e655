// Keys writes the log of random commands that a Pika of some version was sent, and what its keys then held:
//
//	go run ./scripts/warehouse/keys --pika 4.0.1 --commands 20000 DIR
//
// makes DIR/log and DIR/keys.jsonl, a line for each key, in which bytes are base64, after a line with the time. The same flags give the same bytes.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"log"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/pikakeys"
)

// generations of the versions; those that are not here are of the last.
var generations = map[string]decode.Generation{
	"2.2.6": decode.G1, "2.3.6": decode.G2, "3.0.4": decode.G3, "3.0.16": decode.G3, "3.2.9": decode.G3, "3.3.6": decode.G4, "3.4.1": decode.G4,
}

// held is what a key holds. Elements are fields, members or items, Values those of the fields, or the scores.
type held struct {
	Key      []byte   `json:"key"`
	Type     string   `json:"type"`
	Text     []byte   `json:"text,omitempty"`
	Elements [][]byte `json:"elements,omitempty"`
	Values   [][]byte `json:"values,omitempty"`
	Expires  int64    `json:"expires,omitempty"`
}

func main() {
	log.SetFlags(0)
	version := flag.String("pika", "4.0.1", "version")
	commands := flag.Int("commands", 20_000, "how many")
	seed := flag.Uint64("seed", 6, "of the random numbers")
	without := flag.String("without", "", "a command that is not sent")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("keys: expected one folder")
	}
	if err := run(*version, *commands, *seed, *without, flag.Arg(0)); err != nil {
		log.Fatal("keys: ", err)
	}
}

func run(version string, commands int, seed uint64, without, dir string) error {
	generation, ok := generations[version]
	if !ok {
		generation = decode.G5
	}
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // the same each time
	w := binlogtest.NewWriter(binlogtest.Options{Generation: generation})
	server := pikakeys.New(version, binlogtest.DefaultTime)
	for range commands {
		command := server.Random(random)
		if strings.EqualFold(command[0], without) {
			continue
		}
		for _, record := range server.Do(command...) {
			w.Commands(record...)
		}
		step := max(0, random.IntN(15)-13)
		server.Now += int64(step)
		w.Advance(step)
	}
	if err := w.WriteDir(filepath.Join(dir, "log", "log_db0")); err != nil {
		return err
	}
	return write(filepath.Join(dir, "keys.jsonl"), server)
}

func write(name string, server *pikakeys.Server) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	out := bufio.NewWriter(file)
	lines := json.NewEncoder(out)
	if err := lines.Encode(map[string]int64{"now_ms": server.Now * 1000}); err != nil {
		return err
	}
	keys := server.Keys()
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		k := keys[name]
		h := held{Key: []byte(name), Type: k.Type, Text: []byte(k.Text), Expires: k.Expires}
		for _, item := range slices.Sorted(maps.Keys(k.Items)) {
			h.Elements, h.Values = append(h.Elements, []byte(item)), append(h.Values, []byte(k.Items[item]))
		}
		if err := lines.Encode(h); err != nil {
			return err
		}
	}
	return out.Flush()
}
