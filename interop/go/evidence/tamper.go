package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// change is a package that was made of another one.
type change struct {
	name    string
	path    string
	isWhole bool
}

// unpack reads a package with Go's own reader; every file once.
func unpack(path string) (map[string][]byte, error) {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	files := map[string][]byte{}
	for _, member := range archive.File {
		reader, err := member.Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(reader)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", member.Name, err)
		}
		if files[member.Name] != nil {
			return nil, fmt.Errorf("%s is there twice", member.Name)
		}
		files[member.Name] = data
	}
	return files, nil
}

func pack(path string, files map[string][]byte) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	archive := zip.NewWriter(file)
	for _, name := range names(files) {
		member, err := archive.Create(name)
		if err != nil {
			return err
		}
		if _, err := member.Write(files[name]); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return file.Close()
}

func names(files map[string][]byte) []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func copyOf(files map[string][]byte) map[string][]byte {
	copied := map[string][]byte{}
	for name, data := range files {
		copied[name] = data
	}
	return copied
}

// writeChanges writes the package once more as it is, and with everything changed that can be, one thing at a time.
func writeChanges(files map[string][]byte, dir string) ([]change, error) {
	var changes []change
	add := func(name string, files map[string][]byte, isWhole bool) error {
		path := filepath.Join(dir, fmt.Sprintf("%03d.zip", len(changes)))
		changes = append(changes, change{name, path, isWhole})
		return pack(path, files)
	}
	if err := add("nothing", files, true); err != nil {
		return nil, err
	}
	for _, name := range names(files) {
		data := files[name]
		for _, at := range []int{0, len(data) / 3, len(data) / 2, len(data) - 2} {
			if at < 0 || at >= len(data) {
				continue
			}
			changed := copyOf(files)
			flipped := bytes.Clone(data)
			flipped[at] ^= 1
			changed[name] = flipped
			if err := add(fmt.Sprintf("byte %d of %s", at, name), changed, false); err != nil {
				return nil, err
			}
		}
		without := copyOf(files)
		delete(without, name)
		if err := add("without "+name, without, false); err != nil {
			return nil, err
		}
	}
	for _, forged := range forgeries(files) {
		if forged.isIdle {
			return nil, fmt.Errorf("%s: the package has nothing to change", forged.name)
		}
		if err := add(forged.name, forged.files, false); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

type forgery struct {
	name   string
	files  map[string][]byte
	isIdle bool
}

// forgeries are changes whose author has repaired the manifest afterwards, as far as that goes.
func forgeries(files map[string][]byte) []forgery {
	var forged []forgery
	add := func(name string, alter func(map[string][]byte)) {
		changed := copyOf(files)
		alter(changed)
		isIdle := len(changed) == len(files)
		for name, data := range files {
			isIdle = isIdle && bytes.Equal(data, changed[name])
		}
		repair(changed)
		forged = append(forged, forgery{name, changed, isIdle})
	}
	drop := func(name string, which int) func(map[string][]byte) {
		return func(files map[string][]byte) {
			lines := strings.SplitAfter(string(files[name]), "\n")
			files[name] = []byte(strings.Join(append(lines[:which:which], lines[which+1:]...), ""))
		}
	}
	swap := func(name, old, new string) func(map[string][]byte) {
		return func(files map[string][]byte) {
			files[name] = bytes.Replace(files[name], []byte(old), []byte(new), 1)
		}
	}
	add("a record dropped with its proof", func(files map[string][]byte) {
		drop("records.jsonl", 1)(files)
		drop("proofs.jsonl", 1)(files)
	})
	add("the last record dropped with its proof", func(files map[string][]byte) {
		last := strings.Count(string(files["records.jsonl"]), "\n") - 1
		drop("records.jsonl", last)(files)
		drop("proofs.jsonl", last)(files)
	})
	add("a record dropped", drop("records.jsonl", 1))
	add("a proof dropped", drop("proofs.jsonl", 1))
	add("a content dropped", drop("contents.jsonl", 0))
	add("a record rewritten", swap("records.jsonl", "agent-", "agenx-"))
	add("a content rewritten", swap("contents.jsonl", "content\":\"{", "content\":\"{ "))
	add("a spreadsheet rewritten", swap("events.csv", "agent-", "agenx-"))
	add("gaps denied", func(files map[string][]byte) { files["gaps.json"] = []byte("[]") })
	add("a stranger", func(files map[string][]byte) { files["notes.txt"] = []byte("x") })
	return forged
}

// repair makes counts, lengths, hashes and gaps of the manifest fit the files.
func repair(files map[string][]byte) {
	var manifest map[string]any
	if json.Unmarshal(files["manifest.json"], &manifest) != nil {
		return
	}
	listed, ok := manifest["files"].(map[string]any)
	if !ok {
		return
	}
	for name := range listed {
		sum := sha256.Sum256(files[name])
		listed[name] = map[string]any{"sha256": hex.EncodeToString(sum[:]), "bytes": len(files[name])}
	}
	count := func(name string) int { return strings.Count(string(files[name]), "\n") }
	manifest["counts"] = map[string]any{"records": count("records.jsonl"), "contents": count("contents.jsonl")}
	manifest["gaps"] = json.RawMessage(files["gaps.json"])
	if data, err := json.Marshal(manifest); err == nil {
		files["manifest.json"] = data
	}
}
