package main

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// tileHeight and tileWidth are fixed by C2SP tlog-tiles.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// tileReader reads tiles for tlog.TileHashReader, which checks every one of them against the root.
type tileReader struct {
	client *client
}

func (r *tileReader) Height() int { return tileHeight }

func (r *tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

func (r *tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		level := fmt.Sprint(tile.L)
		body, err := r.client.resource(level, tile.N, tile.W)
		if err != nil {
			return nil, err
		}
		if len(body) < tile.W*tlog.HashSize || len(body)%tlog.HashSize != 0 {
			return nil, fmt.Errorf("tile/%s/%d of width %d has %d bytes", level, tile.N, tile.W, len(body))
		}
		data[i] = body[:tile.W*tlog.HashSize]
	}
	return data, nil
}

// resource reads a tile or, with kind "entries", an entry bundle. A partial one may be gone when the
// full one exists.
func (c *client) resource(kind string, n int64, width int) ([]byte, error) {
	body, err := c.get(c.log + tilePath(kind, n, width))
	if errors.Is(err, errNotFound) && width < tileWidth {
		return c.get(c.log + tilePath(kind, n, tileWidth))
	}
	return body, err
}

// tilePath is tile/<L>/<N>[.p/<W>] (format.md, section 4).
func tilePath(kind string, n int64, width int) string {
	number := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		number = fmt.Sprintf("x%03d/%s", n%1000, number)
	}
	path := "tile/" + kind + "/" + number
	if width < tileWidth {
		path += fmt.Sprintf(".p/%d", width)
	}
	return path
}

// checkTiles reads every leaf hash through authenticated tiles: each tile of each level is read and
// shown to belong to the root.
func checkTiles(c *client, cp checkpoint) ([]tlog.Hash, error) {
	reader := tlog.TileHashReader(tlog.Tree{N: cp.size, Hash: cp.root}, &tileReader{c})
	hashes := make([]tlog.Hash, 0, cp.size)
	const batch = 16 * tileWidth
	for first := int64(0); first < cp.size; first += batch {
		var indexes []int64
		for i := first; i < min(first+batch, cp.size); i++ {
			indexes = append(indexes, tlog.StoredHashIndex(0, i))
		}
		read, err := reader.ReadHashes(indexes)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, read...)
	}
	return hashes, nil
}

// checkAbsent asks for what the log must never serve: width 0, a full width written as a partial one,
// and tiles wider or further than the checkpoint.
func checkAbsent(c *client, cp checkpoint) error {
	next := (cp.size + tileWidth - 1) / tileWidth
	paths := []string{
		"tile/0/000.p/0",
		"tile/0/000.p/256",
		"tile/0/0",
		"tile/0/x000/000",
		tilePath("0", next+1, tileWidth),
		tilePath("entries", next+1, tileWidth),
		tilePath("0", next+1, 1),
	}
	if cp.size%tileWidth != 0 {
		paths = append(paths, tilePath("0", cp.size/tileWidth, tileWidth), tilePath("entries", cp.size/tileWidth, tileWidth))
	}
	for _, path := range paths {
		body, err := c.get(c.log + path)
		if err == nil {
			return fmt.Errorf("%s has %d bytes", path, len(body))
		}
		if !errors.Is(err, errNotFound) && !errors.Is(err, errBadRequest) {
			return err
		}
	}
	return nil
}
