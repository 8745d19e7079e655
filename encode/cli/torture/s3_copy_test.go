//go:build s3 && unix

package torture

import "testing"

// TestRealS3Copy is the torture of a second copy in a bucket.
func TestRealS3Copy(t *testing.T) { newS3Rig(t).tortureCopy(t) }
