package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// faults are changes of what the server sends, each of which has to be noticed: a check that lets one
// of them pass checks nothing.
var faults = []struct {
	path   *regexp.Regexp
	change func(body []byte) []byte
	// found is where the check has to stop.
	found string
}{
	{regexp.MustCompile(`/checkpoint$`), flip, "checkpoint"},
	{regexp.MustCompile(`/tile/0/000(\.p/\d+)?$`), flip, "tiles: "},
	{regexp.MustCompile(`/tile/1/000(\.p/\d+)?$`), flip, "tiles: "},
	{regexp.MustCompile(`/tile/0/`), cut, "tiles: "},
	{regexp.MustCompile(`/tile/entries/000(\.p/\d+)?$`), flip, "entries: "},
	{regexp.MustCompile(`/tile/entries/`), cut, "entries: "},
	{regexp.MustCompile(`/events/1/record$`), flip, "proof bundles: seq 1: "},
	{regexp.MustCompile(`/events/1/(record|proof)$`), swap("agent-", "agenx-"), "proof bundles: seq 1: leaf "},
	{regexp.MustCompile(`/events/1/proof$`), digit(`"salt_record":"`), "proof bundles: seq 1: leaf "},
	{regexp.MustCompile(`/events/1/proof$`), digit(`"leaf":"`), "proof bundles: seq 1: "},
	{regexp.MustCompile(`/events/1/proof$`), digit(`"proof":["`), "proof bundles: seq 1: "},
	{regexp.MustCompile(`/consistency\?from=1&to=2$`), digit(`"proof":["`), "consistency: from 1 to 2: "},
}

// checkFaults plants one fault after the other and returns how many there were.
func checkFaults(honest *client, verifier note.Verifier, vkey string) (int, error) {
	for _, fault := range faults {
		planted := 0
		liar := *honest
		liar.tamper = func(path string, body []byte) []byte {
			if !fault.path.MatchString(path) {
				return body
			}
			changed := fault.change(body)
			if string(changed) != string(body) {
				planted++
			}
			return changed
		}
		err := check(&liar, verifier, vkey, 0, 0)
		switch {
		case planted == 0:
			return 0, fmt.Errorf("planted fault %s: nothing of that name was read", fault.path)
		case err == nil:
			return 0, fmt.Errorf("planted fault %s: not noticed", fault.path)
		case !strings.HasPrefix(err.Error(), fault.found):
			return 0, fmt.Errorf("planted fault %s: noticed as %q, want %q", fault.path, err, fault.found)
		}
	}
	return len(faults), nil
}

// flip changes one bit in the middle.
func flip(body []byte) []byte {
	changed := append([]byte(nil), body...)
	changed[len(changed)/2] ^= 1
	return changed
}

// cut drops the last byte.
func cut(body []byte) []byte {
	return body[:len(body)-1]
}

// swap replaces every occurrence of a text by one of the same length.
func swap(old, new string) func([]byte) []byte {
	return func(body []byte) []byte {
		return bytes.ReplaceAll(body, []byte(old), []byte(new))
	}
}

// digit changes the first base64 digit behind a text.
func digit(behind string) func([]byte) []byte {
	return func(body []byte) []byte {
		changed := append([]byte(nil), body...)
		if at := bytes.Index(changed, []byte(behind)); at >= 0 {
			at += len(behind)
			if changed[at] == 'A' {
				changed[at] = 'B'
			} else {
				changed[at] = 'A'
			}
		}
		return changed
	}
}
