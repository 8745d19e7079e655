package cluster_test

import (
	"strings"
	"testing"

	"pikabin/encode/output/redis/cluster"
	"pikabin/encode/output/redis/words"
)

// TestSlot has slots that a Redis tells with CLUSTER KEYSLOT.
func TestSlot(t *testing.T) {
	for key, want := range map[string]int{
		"": 0, "123456789": 12739, "foo": 12182, "a{foo}b": 12182, "{foo}{bar}": 12182, "foo{}{bar}": 8363, "foo{{bar}}zap": 4015, "a}foo": 10216, "foo{bar": 15278,
	} {
		if got := cluster.Slot([]byte(key)); got != want {
			t.Errorf("%q has slot %d, want %d", key, got, want)
		}
	}
}

// TestPlace has commands of events, one on each line, whose keys are k and others in braces of k, or in other ones.
func TestPlace(t *testing.T) {
	k := cluster.Slot([]byte("k"))
	for text, want := range map[string][2]int{
		"":                               {cluster.Wide, 0},
		"flushdb":                        {cluster.Wide, 0},
		"FLUSHALL":                       {cluster.Wide, 0},
		"eval x 0 *":                     {cluster.Wide, 0},
		"set k v":                        {k, 0},
		"HSET k a b":                     {k, 0},
		"eval x 1 k other":               {k, 0},
		"eval x 2 k 2{k} other":          {k, 0},
		"eval x 1 k 5\nset k v":          {k, 0},
		"del k {k}2 {k}3":                {k, 0},
		"unlink k l":                     {cluster.Torn, 0},
		"mset k l {k}2 m":                {k, 0},
		"msetnx k l m n":                 {cluster.Torn, 0},
		"rpoplpush k {k}":                {k, 0},
		"smove k {k} l":                  {k, 0},
		"smove k l m":                    {cluster.Torn, 0},
		"bitop not k {k}":                {k, 0},
		"bitop and k {k} l":              {cluster.Torn, 0},
		"zunionstore k 2 {k}1 {k}2 l m":  {k, 0},
		"zinterstore k 1 l weights 1":    {cluster.Torn, 0},
		"zunionstore k x l":              {k, 0},
		"pfmerge k":                      {k, 0},
		"eval x 2 k l\nsinterstore k l":  {cluster.Torn, 1},
		"pfmerge k l\neval x 2 k l":      {cluster.Torn, 0},
		"eval x 2 k l":                   {cluster.Torn, 0},
		"set k v\nset l v":               {cluster.Torn, 1},
		"sunionstore {k}1 {k}2 {k}3 {k}": {k, 0},
	} {
		var commands []byte
		for line := range strings.Lines(text) {
			commands = words.Append(commands, strings.Fields(line)...)
		}
		if slot, command := cluster.Place(commands); slot != want[0] || command != want[1] {
			t.Errorf("%q has slot %d, command %d, want %v", text, slot, command, want)
		}
		if n := testing.AllocsPerRun(10, func() { cluster.Place(commands) }); n > 0 {
			t.Errorf("%q: %v allocations", text, n)
		}
	}
}
