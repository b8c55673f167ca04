package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// bundle is the proof bundle (format.md, section 5). Binary members are base64, as encoding/json has
// it for byte slices.
type bundle struct {
	Index       int64    `json:"index"`
	Record      *string  `json:"record"`
	Content     *string  `json:"content"`
	SaltRecord  []byte   `json:"salt_record"`
	SaltContent []byte   `json:"salt_content"`
	Leaf        []byte   `json:"leaf"`
	Proof       []string `json:"proof"`
	Checkpoint  string   `json:"checkpoint"`
	Key         string   `json:"key"`
	TlogProof   string   `json:"tlog_proof"`
}

// checkBundles checks the bundles at the edges of tiles and epochs and a random choice of others.
func checkBundles(c *client, cp checkpoint, verifier note.Verifier, vkey string, leaves [][]byte, sample int, seed int64) (int, error) {
	chosen := map[int64]bool{}
	for _, seq := range []int64{0, 1, 255, 256, 65535, 65536, cp.size - 1} {
		if seq < cp.size {
			chosen[seq] = true
		}
	}
	random := rand.New(rand.NewSource(seed))
	for range sample {
		chosen[random.Int63n(cp.size)] = true
	}
	for seq := range chosen {
		if err := checkBundle(c, seq, cp, verifier, vkey, leaves[seq]); err != nil {
			return 0, fmt.Errorf("seq %d: %w", seq, err)
		}
	}
	return len(chosen), nil
}

func checkBundle(c *client, seq int64, cp checkpoint, verifier note.Verifier, vkey string, leaf []byte) error {
	path := fmt.Sprintf("/v1/events/%d", seq)
	var b bundle
	if err := c.getJSON(path+"/proof", &b); err != nil {
		return err
	}
	if b.Index != seq || !bytes.Equal(b.Leaf, leaf) || b.Key != vkey {
		return fmt.Errorf("index %d, leaf %x, key %q", b.Index, b.Leaf, b.Key)
	}
	if b.Record == nil {
		return errors.New("no record")
	}
	record, err := c.get(path + "/record")
	if err != nil {
		return err
	}
	if string(record) != *b.Record {
		return fmt.Errorf("record %s, in the bundle %s", record, *b.Record)
	}
	content, err := c.get(path + "/content")
	if b.Content == nil {
		if !errors.Is(err, errNotFound) {
			return fmt.Errorf("content %q (%v), none in the bundle", content, err)
		}
	} else if err != nil || string(content) != *b.Content {
		return fmt.Errorf("content %q (%v), in the bundle %q", content, err, *b.Content)
	}
	if err := checkLeaf(&b); err != nil {
		return err
	}
	return checkInclusion(&b, cp, verifier)
}

// checkLeaf recomputes both commitments and the leaf (format.md, section 3).
func checkLeaf(b *bundle) error {
	var fields struct {
		Seq        int64     `json:"seq"`
		RecordedAt time.Time `json:"recorded_at"`
		Content    *struct {
			Bytes int `json:"bytes"`
		} `json:"content"`
	}
	if err := json.Unmarshal([]byte(*b.Record), &fields); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if fields.Seq != b.Index {
		return fmt.Errorf("the record says seq %d", fields.Seq)
	}
	if (fields.Content == nil) != (b.Content == nil) || b.Content != nil && fields.Content.Bytes != len(*b.Content) {
		return errors.New("the record's content member does not fit the content")
	}
	leaf := []byte{1, 0}
	leaf = binary.BigEndian.AppendUint64(leaf, uint64(fields.RecordedAt.UnixMicro()))
	leaf = append(leaf, commit("indelible/record/v1", b.SaltRecord, *b.Record)...)
	if b.Content == nil {
		leaf = append(leaf, make([]byte, sha256.Size)...)
	} else {
		leaf = append(leaf, commit("indelible/content/v1", b.SaltContent, *b.Content)...)
	}
	if !bytes.Equal(leaf, b.Leaf) {
		return fmt.Errorf("leaf %x, want %x", b.Leaf, leaf)
	}
	return nil
}

func commit(domain string, salt []byte, text string) []byte {
	hash := sha256.New()
	hash.Write([]byte(domain))
	hash.Write([]byte{0})
	hash.Write(salt)
	hash.Write([]byte(text))
	return hash.Sum(nil)
}

// checkInclusion checks the proof under the bundle's own checkpoint, and that the C2SP tlog-proof text
// says the same.
func checkInclusion(b *bundle, base checkpoint, verifier note.Verifier) error {
	cp, err := openCheckpoint([]byte(b.Checkpoint), verifier)
	if err != nil {
		return err
	}
	if cp.size < base.size || cp.size == base.size && cp.root != base.root {
		return fmt.Errorf("checkpoint of size %d after one of %d", cp.size, base.size)
	}
	proof, err := parseHashes(b.Proof)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(tlog.RecordProof(proof), cp.size, cp.root, b.Index, tlog.RecordHash(b.Leaf)); err != nil {
		return err
	}
	text := fmt.Sprintf("c2sp.org/tlog-proof@v1\nindex %d\n", b.Index)
	for _, hash := range b.Proof {
		text += hash + "\n"
	}
	text += "\n" + b.Checkpoint
	if withoutExtra(b.TlogProof) != text {
		return fmt.Errorf("tlog_proof %q, want %q", b.TlogProof, text)
	}
	return nil
}

// withoutExtra drops the optional second line of a tlog-proof.
func withoutExtra(proof string) string {
	first, rest, _ := strings.Cut(proof, "\n")
	if strings.HasPrefix(rest, "extra ") {
		_, rest, _ = strings.Cut(rest, "\n")
	}
	return first + "\n" + rest
}
