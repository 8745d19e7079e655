//go:build etcd

package bucket_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"pikabin/encode/claim"
	"pikabin/encode/claim/claimtest"
	"pikabin/encode/output/object/s3test"
)

// TestRealEtcdBucketSuite is what every store has to do, with the S3 server that scripts/etcd.sh starts beside etcd.
func TestRealEtcdBucketSuite(t *testing.T) {
	address := fmt.Sprintf("s3://%s/suite/%016x?region=us-east-1&endpoint=%s", s3test.Bucket, rand.Uint64(), s3test.Real(t))
	claimtest.Suite{Open: func(t *testing.T) claim.Store { t.Helper(); return open(t, address) }}.Run(t)
}
