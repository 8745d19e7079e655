package encode_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/sinktest"
	"pikabin/formats"
)

// TestDoubtsAreTold: what Redis cannot do is told once with its position, and with a count at the end.
func TestDoubtsAreTold(t *testing.T) {
	format, _ := formats.Lookup("redis")
	for name, c := range map[string]struct {
		generation decode.Generation
		commands   string
		want       []string
	}{
		"nothing to tell": {decode.G3, "SET a 1;HSET h f v;DEL h;SET h 1;FLUSHDB;HSET a f v", nil},
		"commands": {decode.G5, "SPOP s;SET a 1;INVENTED x;SPOP s;SPOP s", []string{
			"db0: 0:0: SPOP: the log does not say which members went, Redis takes others",
			"db0: 0:132: INVENTED: neither pikabin nor Redis knows the command, nothing is written for it",
			"SPOP: 3 such commands: the log does not say which members went, Redis takes others",
		}},
		"one name, several types": {decode.G3, "SET a 1;HSET a f v;HSET a f v;SADD a m;ZADD z 1 m;GEOADD z 1 1 p;SET z 1", []string{
			"names that were used for values of several types: 2; a Pika before 4.0 holds all of these values, Redis one a name",
		}},
		"a name is replaced in 4.0": {decode.G5, "HSET a f v;SET a 1", nil},
		"and not by a hash": {decode.G5, "SET a 1;HSET a f v", []string{
			"names that were used for values of several types: 1; a Pika before 4.0 holds all of these values, Redis one a name",
		}},
	} {
		w := binlogtest.NewWriter(binlogtest.Options{Generation: c.generation})
		for command := range strings.SplitSeq(c.commands, ";") {
			w.Command(strings.Fields(command)...)
		}
		dir := t.TempDir()
		if err := w.WriteDir(filepath.Join(dir, "log_db0")); err != nil {
			t.Fatal(err)
		}
		var told []string
		_, _, err := sinktest.Convert(t, dir, 0, encode.Options{Format: format, Warn: func(text string) { told = append(told, text) }})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, told); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
