package main

import (
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// checkConsistency asks for proofs between sizes at the edges of tiles and epochs, and compares each
// with the one that the tiles give.
func checkConsistency(c *client, cp checkpoint) (int, error) {
	sizes := []int64{1, 2, 3, 255, 256, 257, 511, 1000, 65535, 65536, 65537, cp.size - 1, cp.size}
	sizes = slices.DeleteFunc(sizes, func(size int64) bool { return size < 1 || size > cp.size })
	slices.Sort(sizes)
	sizes = slices.Compact(sizes)
	reader := tlog.TileHashReader(tlog.Tree{N: cp.size, Hash: cp.root}, &tileReader{c})
	pairs := 0
	for i, from := range sizes {
		for _, to := range sizes[i:] {
			if err := checkPair(c, reader, from, to); err != nil {
				return pairs, fmt.Errorf("from %d to %d: %w", from, to, err)
			}
			pairs++
		}
	}
	return pairs, nil
}

func checkPair(c *client, reader tlog.HashReader, from, to int64) error {
	var answer struct {
		From     int64    `json:"from"`
		To       int64    `json:"to"`
		FromRoot string   `json:"from_root"`
		ToRoot   string   `json:"to_root"`
		Proof    []string `json:"proof"`
	}
	if err := c.getJSON(fmt.Sprintf("/v1/log/consistency?from=%d&to=%d", from, to), &answer); err != nil {
		return err
	}
	proof, err := parseHashes(answer.Proof)
	if err != nil {
		return err
	}
	fromRoot, err := tlog.TreeHash(from, reader)
	if err != nil {
		return err
	}
	toRoot, err := tlog.TreeHash(to, reader)
	if err != nil {
		return err
	}
	if answer.From != from || answer.To != to {
		return fmt.Errorf("answer is from %d to %d", answer.From, answer.To)
	}
	if answer.FromRoot != fromRoot.String() || answer.ToRoot != toRoot.String() {
		return fmt.Errorf("roots %s and %s, want %s and %s", answer.FromRoot, answer.ToRoot, fromRoot, toRoot)
	}
	want, err := tlog.ProveTree(to, from, reader)
	if err != nil {
		return err
	}
	if !slices.Equal(proof, tlog.TreeProof(want)) {
		return fmt.Errorf("proof %v, want %v", proof, want)
	}
	return tlog.CheckTree(proof, to, toRoot, from, fromRoot)
}

func parseHashes(texts []string) (tlog.TreeProof, error) {
	var hashes tlog.TreeProof
	for _, text := range texts {
		hash, err := tlog.ParseHash(text)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}
