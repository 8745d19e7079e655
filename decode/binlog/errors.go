package binlog

import "errors"

// ErrNoTime says that a log has no times to seek by: Pika 2.0 wrote none.
var ErrNoTime = errors.New("this log has no times: Pika 2.0 wrote none; give a position instead, such as 12:4096")

// ErrNoLogicID says that a log has no logic ids: they came with Pika 3.0.
var ErrNoLogicID = errors.New("this log has no logic ids: Pika 2 wrote none; give a position or a time instead")
