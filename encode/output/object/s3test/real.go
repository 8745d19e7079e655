package s3test

import (
	"os"
	"testing"
)

// Real is the address of the server that scripts/s3.sh has started. Its bucket is called Bucket, too.
func Real(tb testing.TB) string {
	tb.Helper()
	url := os.Getenv("PIKABIN_TEST_S3")
	if url == "" {
		tb.Fatal("PIKABIN_TEST_S3 is empty: run scripts/s3.sh test")
	}
	return url
}
