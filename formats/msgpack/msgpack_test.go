package msgpack_test

import (
	"testing"

	"pikabin/formats/formattest"
)

func TestConformance(t *testing.T) {
	formattest.Suite{
		Format: "msgpack",
		Command: func(t *testing.T, message []byte) [][]byte {
			t.Helper()
			return formattest.Command(t, "msgpack", message)
		},
	}.Run(t)
}
