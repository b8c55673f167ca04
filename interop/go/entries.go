package main

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// leafSize is the length of every leaf of version 1 (format.md, section 3).
const leafSize = 74

// checkEntries reads every entry bundle and compares the hash of each leaf with that in the tiles.
func checkEntries(c *client, hashes []tlog.Hash) ([][]byte, error) {
	size := int64(len(hashes))
	leaves := make([][]byte, 0, size)
	last := uint64(0)
	for n := int64(0); n*tileWidth < size; n++ {
		width := int(min(tileWidth, size-n*tileWidth))
		bundle, err := c.resource("entries", n, width)
		if err != nil {
			return nil, err
		}
		for i := range width {
			leaf, rest, err := cutEntry(bundle)
			if err != nil {
				return nil, fmt.Errorf("bundle %d, entry %d: %w", n, i, err)
			}
			bundle = rest
			index := len(leaves)
			if len(leaf) != leafSize || leaf[0] != 1 || leaf[1] != 0 {
				return nil, fmt.Errorf("leaf %d is %x", index, leaf)
			}
			if tlog.RecordHash(leaf) != hashes[index] {
				return nil, fmt.Errorf("leaf %d does not hash to its tile's hash", index)
			}
			at := binary.BigEndian.Uint64(leaf[2:10])
			if at < last {
				return nil, fmt.Errorf("recorded_at goes back from %d to %d at leaf %d", last, at, index)
			}
			last = at
			leaves = append(leaves, leaf)
		}
	}
	return leaves, nil
}

// cutEntry takes the first entry off a bundle: its length as u16 big-endian, then its bytes.
func cutEntry(bundle []byte) (entry, rest []byte, err error) {
	if len(bundle) < 2 {
		return nil, nil, fmt.Errorf("%d bytes left", len(bundle))
	}
	length := int(binary.BigEndian.Uint16(bundle))
	if len(bundle) < 2+length {
		return nil, nil, fmt.Errorf("%d bytes left, want %d", len(bundle)-2, length)
	}
	return bundle[2 : 2+length], bundle[2+length:], nil
}
