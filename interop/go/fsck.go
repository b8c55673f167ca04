package main

import (
	"context"
	"net/url"
	"strings"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	tessera "github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
)

// fsckWorkers is how many tiles fsck compares at a time.
const fsckWorkers = 4

// fsckLog runs Tessera's checker: it rebuilds the whole tree from the entry bundles and compares every
// tile and the root. Its own command ends with status 0 whatever it finds, hence the package.
func fsckLog(ctx context.Context, c *client, verifier note.Verifier) error {
	root, err := url.Parse(c.base + c.log)
	if err != nil {
		return err
	}
	fetcher, err := tessera.NewHTTPFetcher(root, nil)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(c.log, publicPrefix) {
		fetcher.SetAuthorizationHeader("Bearer " + c.key)
	}
	return fsck.New(verifier.Name(), verifier, fetcher, hashEntries, fsck.Opts{N: fsckWorkers}).Check(ctx)
}

func hashEntries(raw []byte) ([][]byte, error) {
	var bundle api.EntryBundle
	if err := bundle.UnmarshalText(raw); err != nil {
		return nil, err
	}
	hashes := make([][]byte, len(bundle.Entries))
	for i, entry := range bundle.Entries {
		hashes[i] = rfc6962.DefaultHasher.HashLeaf(entry)
	}
	return hashes, nil
}
