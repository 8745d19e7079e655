package inspect

import (
	"bytes"

	"pikabin/decode/frequent"
	"pikabin/decode/units"
)

const (
	prefixLength  = 8  // of keys without a colon
	prefixLongest = 64 // no prefix is longer
)

// prefixOf is what keys are grouped by: the text up to the first colon, with it, or else the first bytes.
func prefixOf(key []byte) []byte {
	if i := bytes.IndexByte(key[:min(len(key), prefixLongest)], ':'); i >= 0 {
		return key[:i+1]
	}
	return units.CutText(key, prefixLength)
}

// topPrefixes gives the n prefixes with most keys.
func topPrefixes(of *frequent.Items, n int) []PrefixInfo {
	var list []PrefixInfo
	for _, item := range of.Top(n) {
		info := PrefixInfo{Events: item.Count, Bytes: item.Bytes}
		info.Prefix, info.PrefixB64 = textOrBytes(item.Text)
		list = append(list, info)
	}
	return list
}
