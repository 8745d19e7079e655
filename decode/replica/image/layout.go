package image

import "pikabin/decode"

// headerSize is that of the physical headers of all versions that speak the protocol.
const headerSize = 8

// Begin is where the record after one that ends at an offset begins: there, or with the next block where no header has room.
func Begin(end int64) int64 {
	if left := -end & (decode.BlockSize - 1); left < headerSize {
		return end + left
	}
	return end
}

// End is where a record ends that begins at an offset and has a payload of so many bytes.
func End(begin, payload int64) int64 {
	const perBlock = decode.BlockSize - headerSize
	room := decode.BlockSize - begin%decode.BlockSize - headerSize
	if payload <= room {
		return begin + headerSize + payload
	}
	payload -= room
	block := begin - begin%decode.BlockSize + decode.BlockSize
	full := (payload - 1) / perBlock
	return block + full*decode.BlockSize + headerSize + payload - full*perBlock
}
