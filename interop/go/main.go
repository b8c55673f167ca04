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
	flag.Parse()

	if err := run(*url, *log, *keyFile, *vkeyFile, *sample, *seed); err != nil {
		fmt.Fprintf(os.Stderr, "interop: %v\n", err)
		os.Exit(1)
	}
}

func run(url, log, keyFile, vkeyFile string, sample int, seed int64) error {
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

	raw, err := client.get(log + "checkpoint")
	if err != nil {
		return err
	}
	checkpoint, err := openCheckpoint(raw, verifier)
	if err != nil {
		return err
	}
	fmt.Printf("ok checkpoint: %s, size %d, root %s\n", verifier.Name(), checkpoint.size, checkpoint.root)

	hashes, err := checkTiles(client, checkpoint)
	if err != nil {
		return fmt.Errorf("tiles: %w", err)
	}
	fmt.Printf("ok tiles: %d leaf hashes\n", len(hashes))

	leaves, err := checkEntries(client, hashes)
	if err != nil {
		return fmt.Errorf("entries: %w", err)
	}
	fmt.Printf("ok entries: %d leaves\n", len(leaves))

	pairs, err := checkConsistency(client, checkpoint)
	if err != nil {
		return fmt.Errorf("consistency: %w", err)
	}
	fmt.Printf("ok consistency: %d pairs of sizes\n", pairs)

	bundles, err := checkBundles(client, checkpoint, verifier, vkey, leaves, sample, seed)
	if err != nil {
		return fmt.Errorf("proof bundles: %w", err)
	}
	fmt.Printf("ok proof bundles: %d (seed %d)\n", bundles, seed)

	if err := checkAbsent(client, checkpoint); err != nil {
		return fmt.Errorf("paths that must not exist: %w", err)
	}
	fmt.Println("ok paths that must not exist")

	if err := fsckLog(context.Background(), client, verifier); err != nil {
		return fmt.Errorf("fsck: %w", err)
	}
	fmt.Println("ok fsck")
	return nil
}

func readLine(path string) (string, error) {
	data, err := os.ReadFile(path)
	return strings.TrimSpace(string(data)), err
}
