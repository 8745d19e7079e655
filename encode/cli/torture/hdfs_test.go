//go:build hdfs && unix

package torture

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"pikabin/encode/output/object/hdfstest"
)

// hdfsConsumer reads a folder of the real server.
type hdfsConsumer struct {
	from   *hdfstest.Consumer
	prefix string
}

// newHDFSRig is a folder of what scripts/hdfs.sh has started.
func newHDFSRig(t *testing.T) *rig {
	t.Helper()
	from, root := hdfstest.Real(t)
	c := &hdfsConsumer{from, fmt.Sprintf("torture-%08x/", rand.Uint32())}
	if err := from.Put(t.Context(), c.prefix+".there", ""); err != nil { // a folder that can be listed
		t.Fatal(err)
	}
	return newRig(c, root+c.prefix)
}

// list implements reader.
func (c *hdfsConsumer) list(ctx context.Context) (map[string]string, error) {
	return c.from.Files(ctx, c.prefix)
}

// open implements reader.
func (c *hdfsConsumer) open(ctx context.Context, name string) (io.ReadCloser, error) {
	text, err := c.from.Read(ctx, c.prefix+name)
	return io.NopCloser(strings.NewReader(text)), err
}

// TestRealHDFSTorture is the torture of a folder of HDFS.
func TestRealHDFSTorture(t *testing.T) { newHDFSRig(t).torture(t) }

// TestRealHDFSCopy is the torture of a second copy in HDFS.
func TestRealHDFSCopy(t *testing.T) { newHDFSRig(t).tortureCopy(t) }
