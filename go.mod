module pikabin

go 1.26.0

require (
	github.com/golang/protobuf v1.5.4
	github.com/google/go-cmp v0.7.0
	github.com/segmentio/asm v1.2.1
	golang.org/x/sys v0.49.0
	google.golang.org/protobuf v1.36.12
)
