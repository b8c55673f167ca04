// Command interop checks a trail over HTTP with the reference implementations of the formats that it
// is written in: golang.org/x/mod/sumdb (tlog, note) and Tessera's fsck. It shares no code with the
// server; what it knows beyond those packages it has from docs/format.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

func main() {
	url := flag.String("url", "", "base URL of the server")
	log := flag.String("log", "/v1/log/", "path of the log below it")
	keyFile := flag.String("key-file", "", "file with an API key")
	vkeyFile := flag.String("vkey-file", "", "file with the verifier key of the log")
	sample := flag.Int("sample", 300, "how many proof bundles to check beside those at the edges")
	seed := flag.Int64("seed", 1, "seed of that choice")
	plant := flag.Bool("plant-faults", false, "then change answers and see that it is noticed")
	flag.Parse()

	if err := run(*url, *log, *keyFile, *vkeyFile, *sample, *seed, *plant); err != nil {
		fmt.Fprintf(os.Stderr, "interop: %v\n", err)
		os.Exit(1)
	}
}

func run(url, log, keyFile, vkeyFile string, sample int, seed int64, plant bool) error {
	key, err := readLine(keyFile)
	if err != nil {
		return err
	}
	vkey, err := readLine(vkeyFile)
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return fmt.Errorf("verifier key %q: %w", vkey, err)
	}
	client := &client{base: strings.TrimSuffix(url, "/"), log: log, key: key}

	if err := check(client, verifier, vkey, sample, seed); err != nil {
		return err
	}
	if err := fsckLog(context.Background(), client, verifier); err != nil {
		return fmt.Errorf("fsck: %w", err)
	}
	fmt.Println("ok fsck")

	if !plant {
		return nil
	}
	faults, err := checkFaults(client, verifier, vkey)
	if err != nil {
		return err
	}
	fmt.Printf("ok planted faults: %d found\n", faults)
	return nil
}

// check reads the whole log and compares everything that is served with everything else.
func check(c *client, verifier note.Verifier, vkey string, sample int, seed int64) error {
	raw, err := c.get(c.log + "checkpoint")
	if err != nil {
		return err
	}
	checkpoint, err := openCheckpoint(raw, verifier)
	if err != nil {
		return err
	}
	report(c, "checkpoint: %s, size %d, root %s", verifier.Name(), checkpoint.size, checkpoint.root)

	hashes, err := checkTiles(c, checkpoint)
	if err != nil {
		return fmt.Errorf("tiles: %w", err)
	}
	report(c, "tiles: %d leaf hashes", len(hashes))

	leaves, err := checkEntries(c, hashes)
	if err != nil {
		return fmt.Errorf("entries: %w", err)
	}
	report(c, "entries: %d leaves", len(leaves))

	bundles, err := checkBundles(c, checkpoint, verifier, vkey, leaves, sample, seed)
	if err != nil {
		return fmt.Errorf("proof bundles: %w", err)
	}
	report(c, "proof bundles: %d (seed %d)", bundles, seed)

	pairs, err := checkConsistency(c, checkpoint)
	if err != nil {
		return fmt.Errorf("consistency: %w", err)
	}
	report(c, "consistency: %d pairs of sizes", pairs)

	if err := checkAbsent(c, checkpoint); err != nil {
		return fmt.Errorf("paths that must not exist: %w", err)
	}
	report(c, "paths that must not exist")
	return nil
}

// report says what was found in order, except while faults are planted.
func report(c *client, format string, args ...any) {
	if c.tamper == nil {
		fmt.Printf("ok "+format+"\n", args...)
	}
}

func readLine(path string) (string, error) {
	data, err := os.ReadFile(path)
	return strings.TrimSpace(string(data)), err
}
