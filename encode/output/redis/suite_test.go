package redis_test

import (
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"pikabin/decode"
	"pikabin/encode/output/redis"
	"pikabin/encode/output/redis/words"
	"pikabin/encode/sinktest"
	"pikabin/formats"
)

// pushed is a format that puts the lines of the suite into a list.
func pushed() formats.Format {
	return formats.Format{Name: "pushed", New: func(formats.Options) formats.Encoder { return pushEncoder{} }}
}

type pushEncoder struct{}

func (pushEncoder) AppendChange(dst []byte, c *decode.Change) []byte {
	return words.Append(dst, "RPUSH", "lines", string(sinktest.LineEncoder{}.AppendChange(nil, c)))
}

// TestSuite is what every output has to do.
func TestSuite(t *testing.T) {
	for name, settings := range map[string]map[string]string{"plain": nil, "exactly once": {"exactly-once": "true"}} {
		t.Run(name, func(t *testing.T) {
			sinktest.Suite{Type: redis.Type, Format: pushed(), Settings: settings, Elsewhere: func(t *testing.T) (string, func() []byte) {
				t.Helper()
				server := miniredis.RunT(t)
				return "redis://" + server.Addr() + "?target=redis&dbs=db1=0", func() []byte {
					lines, err := server.List("lines")
					if err != nil {
						t.Fatal(err)
					}
					return []byte(strings.Join(lines, ""))
				}
			}}.Run(t)
		})
	}
}
