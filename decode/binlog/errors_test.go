package binlog_test

import (
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
)

// TestErrorTexts: each says which log, where, and what can be done or what the evidence is.
func TestErrorTexts(t *testing.T) {
	db0 := &decode.Log{DB: "db0", Slot: -1}
	for want, err := range map[string]error{
		"db0: logic id 7 is not in the log: the next one is 100 at 5:0":   &binlog.LogicIDError{Log: db0, Want: 7, Next: 100, At: at(5, 0)},
		"db0: logic id 700 is not in the log: all that is there is older": &binlog.LogicIDError{Log: db0, Want: 700},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
