package decode

import (
	"strconv"
	"strings"
)

// The names that a server gives to what belongs to its logs.
const (
	SegmentPrefix = "write2file" // of a segment's file: write2file12
	ManifestName  = "manifest"   // of the file that only the folder of a live log has
	DBPrefix      = "log_"       // of the folder of a DB: log_db0
)

// SegmentNumber takes the number out of "write2file12". A server prints it without padding, so that other spellings of it are other
// programs' files.
func SegmentNumber(name string) (number uint32, ok bool) {
	digits, ok := strings.CutPrefix(name, SegmentPrefix)
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), ok && err == nil && strconv.FormatUint(n, 10) == digits
}

// IsDBName recognises log_<db>, also while the server removes it. In sharding mode tables may have other names than db0.
func IsDBName(name string) bool {
	return strings.HasPrefix(name, DBPrefix) && len(name) > len(DBPrefix)
}

// SlotNumber reads the name of a slot's folder: decimal, without padding.
func SlotNumber(name string) (slot int, ok bool) {
	n, err := strconv.ParseUint(name, 10, 31)
	return int(n), err == nil && strconv.FormatUint(n, 10) == name
}
