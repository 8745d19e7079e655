//go:build etcd

package etcd

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"pikabin/encode/claim"
	"pikabin/encode/claim/claimtest"
)

// TestRealEtcdSuite is what every store has to do, with the nodes that scripts/etcd.sh has started.
func TestRealEtcdSuite(t *testing.T) {
	nodes := os.Getenv("PIKABIN_TEST_ETCD")
	if nodes == "" {
		t.Fatal("PIKABIN_TEST_ETCD is empty: run scripts/etcd.sh test")
	}
	address := fmt.Sprintf("etcd://%s/suite/%016x", nodes, rand.Uint64())
	claimtest.Suite{Open: func(t *testing.T) claim.Store { t.Helper(); return open(t, address) }}.Run(t)
}
