package object_test

import (
	"os"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"pikabin/decode/binlogtest/testmain"
	"pikabin/encode/output/object"
	"pikabin/encode/output/object/s3test"
)

// TestMain gives the credentials of the server of tests, unless there is a real one, and lets nothing wait for long.
func TestMain(m *testing.M) {
	if os.Getenv("PIKABIN_TEST_S3") == "" {
		os.Setenv("AWS_ACCESS_KEY_ID", s3test.Key)
		os.Setenv("AWS_SECRET_ACCESS_KEY", s3test.Secret)
	}
	object.Hurry()
	minio.DefaultRetryUnit = time.Millisecond
	testmain.Run(m)
}
