package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// workloads make, by name of the case, a function that appends the next command to argv. Keys and values
// come from pools made beforehand, so that generating costs little.
var workloads = map[string]func() func(argv []string) []string{
	"small":  newSmall,
	"medium": newDocuments(2, 1_000),
	"bulky":  newDocuments(4, 10_000),
	"large":  newLarge,
}

// pools hold the strings that commands are put together from.
type pools struct {
	rng       *rand.Rand
	keys      []string // 20 to 40 bytes
	text      string   // printable, to cut values from
	numbers   []string
	deadlines []string // unix seconds
}

func newPools(seed uint64) *pools {
	p := &pools{rng: rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // the same bytes each time are wanted
	for range 1 << 16 {
		n := strconv.Itoa(p.rng.IntN(1e9))
		p.keys = append(p.keys, p.pick(keyPrefixes)+"0000000000000000"[:16-len(n)]+n)
	}
	for range 1 << 12 {
		p.numbers = append(p.numbers, strconv.Itoa(p.rng.IntN(100_000)))
		p.deadlines = append(p.deadlines, strconv.Itoa(1_700_000_000+p.rng.IntN(1e7)))
	}
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_.:/="
	var text strings.Builder
	for range 1 << 20 {
		text.WriteByte(alphabet[p.rng.IntN(len(alphabet))])
	}
	p.text = text.String()
	return p
}

var keyPrefixes = []string{"user:", "session:token:", "cart:item:", "rate:limit:ip:", "feed:timeline:follower:", "counter:page:"}

func (p *pools) pick(list []string) string { return list[p.rng.IntN(len(list))] }

func (p *pools) key() string { return p.pick(p.keys) }

// value is a piece of text of low to high bytes.
func (p *pools) value(low, high int) string { return cut(p.rng, p.text, low, high) }

func cut(rng *rand.Rand, pool string, low, high int) string {
	n := low + rng.IntN(high-low+1)
	at := rng.IntN(len(pool) - n)
	return pool[at : at+n]
}

// newSmall mixes the commands of a busy cache, in lower and upper case as clients send them.
func newSmall() func([]string) []string {
	p := newPools(1)
	mix := []func([]string) []string{
		func(a []string) []string { return append(a, "SET", p.key(), p.value(20, 100)) },
		func(a []string) []string { return append(a, "set", p.key(), p.value(20, 100)) },
		func(a []string) []string {
			return append(a, "pksetexat", p.key(), p.pick(p.deadlines), p.value(20, 100))
		},
		func(a []string) []string {
			return append(a, "pksetexat", p.key(), p.pick(p.deadlines), p.value(20, 100))
		},
		func(a []string) []string { return append(a, "HSET", p.key(), p.value(4, 12), p.value(20, 100)) },
		func(a []string) []string {
			return append(a, "hmset", p.key(), "name", p.value(20, 40), "mail", p.value(20, 40), "seen", p.pick(p.deadlines))
		},
		func(a []string) []string { return append(a, "SADD", p.key(), p.value(20, 40), p.value(20, 40)) },
		func(a []string) []string { return append(a, "ZADD", p.key(), p.pick(p.numbers), p.value(20, 40)) },
		func(a []string) []string { return append(a, "LPUSH", p.key(), p.value(20, 100)) },
		func(a []string) []string { return append(a, "INCRBY", p.key(), p.pick(p.numbers)) },
		func(a []string) []string { return append(a, "DEL", p.key()) },
		func(a []string) []string { return append(a, "expireat", p.key(), p.pick(p.deadlines)) },
	}
	return func(argv []string) []string { return mix[p.rng.IntN(len(mix))](argv) }
}

// newDocuments stores JSON documents of about size bytes.
func newDocuments(seed uint64, size int) func() func([]string) []string {
	return func() func([]string) []string {
		p := newPools(seed)
		documents := make([]string, 1<<11)
		for i := range documents {
			documents[i] = p.document(size)
		}
		return func(argv []string) []string {
			switch p.rng.IntN(10) {
			case 0, 1, 2, 3:
				return append(argv, "SET", p.key(), p.pick(documents))
			case 4, 5, 6:
				return append(argv, "pksetexat", p.key(), p.pick(p.deadlines), p.pick(documents))
			default:
				return append(argv, "HSET", p.key(), p.value(4, 12), p.pick(documents))
			}
		}
	}
}

// document is nested JSON with a quote about every seven bytes.
func (p *pools) document(size int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"id":%d,"key":%q,"state":"open","items":[`, p.rng.IntN(1e9), p.key())
	for n := 0; b.Len() < size-100; n++ {
		if n > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"sku":%d,"qty":%d,"price":%d.%02d,"tag":["%s %s"],"size":{"w":%d,"h":%d},"name":"%s %s, %s %s"}`,
			p.rng.IntN(1e6), 1+p.rng.IntN(9), p.rng.IntN(1000), p.rng.IntN(100), p.word(), p.word(),
			p.rng.IntN(100), p.rng.IntN(100), p.word(), p.word(), p.word(), p.word())
	}
	fmt.Fprintf(&b, `],"note":"%s %s","at":"2025-06-%02dT%02d:00:00Z"}`, p.word(), p.word(), 1+p.rng.IntN(30), p.rng.IntN(24))
	return b.String()
}

var words = []string{
	"red", "blue", "steel", "Größe", "cotton", "large", "gift", "fragile", "sale", "été", "wood", "a/b", "50 €", "oak", "north", "dry",
}

func (p *pools) word() string { return p.pick(words) }

// newLarge stores binary objects of 100 KB to 1 MB.
func newLarge() func([]string) []string {
	p := newPools(3)
	random := make([]byte, 8<<20)
	for i := range random {
		random[i] = byte(p.rng.Uint32())
	}
	pool := string(random)
	return func(argv []string) []string {
		return append(argv, "SET", p.key(), cut(p.rng, pool, 100_000, 1_000_000))
	}
}
