package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// manifest is manifest.json (format.md, section 6).
type manifest struct {
	Query struct {
		Q    string  `json:"q"`
		From *string `json:"from"`
		To   *string `json:"to"`
		At   int64   `json:"at"`
	} `json:"query"`
	TreeSize int64 `json:"tree_size"`
	Counts   struct {
		Records  int `json:"records"`
		Contents int `json:"contents"`
	} `json:"counts"`
	Files map[string]struct {
		SHA256 string `json:"sha256"`
		Bytes  int    `json:"bytes"`
	} `json:"files"`
	Gaps []json.RawMessage `json:"gaps"`
}

// proof is a line of proofs.jsonl, and most of a bundle (sections 5 and 6).
type proof struct {
	Seq         int64    `json:"seq"`
	SaltRecord  []byte   `json:"salt_record"`
	SaltContent []byte   `json:"salt_content"`
	Leaf        []byte   `json:"leaf"`
	Proof       []string `json:"proof"`
}

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

type record struct {
	Seq        int64     `json:"seq"`
	RecordedAt time.Time `json:"recorded_at"`
	Time       time.Time `json:"time"`
	Source     string    `json:"source"`
	Action     string    `json:"action"`
	Producer   struct {
		ID  *string `json:"id"`
		Seq *int64  `json:"seq"`
	} `json:"producer"`
	Meta struct {
		ManifestSHA256 string `json:"manifest_sha256"`
	} `json:"meta"`
	Content *json.RawMessage `json:"content"`
}

// required are the files that every package has; contents.jsonl and verify.html are optional.
var required = []string{
	"README.html", "manifest.json", "records.jsonl", "proofs.jsonl", "checkpoint.txt", "keys.json", "gaps.json",
	"events.csv", "export.json",
}

// check verifies a package and says what it found in it.
func check(files map[string][]byte, vkey string) (string, error) {
	for _, name := range required {
		if _, ok := files[name]; !ok {
			return "", fmt.Errorf("%s is missing", name)
		}
	}
	var m manifest
	if err := strict(files["manifest.json"], &m, false); err != nil {
		return "", fmt.Errorf("manifest.json: %w", err)
	}
	if err := checkFiles(files, &m); err != nil {
		return "", err
	}
	root, size, err := openCheckpoint(string(files["checkpoint.txt"]), vkey)
	if err != nil {
		return "", fmt.Errorf("checkpoint.txt: %w", err)
	}
	if size != m.TreeSize {
		return "", fmt.Errorf("checkpoint.txt: size %d, in the manifest %d", size, m.TreeSize)
	}
	var keys struct {
		Log       []string `json:"log"`
		Witnesses []string `json:"witnesses"`
	}
	if err := strict(files["keys.json"], &keys, true); err != nil || len(keys.Log) != 1 || keys.Log[0] != vkey {
		return "", fmt.Errorf("keys.json: %v %v", keys, err)
	}
	records, err := checkEvents(files, &m, size, root)
	if err != nil {
		return "", err
	}
	if err := checkGaps(files, &m, records); err != nil {
		return "", err
	}
	if err := checkExport(files, &m, vkey); err != nil {
		return "", fmt.Errorf("export.json: %w", err)
	}
	return fmt.Sprintf("%d records, %d contents, %d gaps, tree of %d", m.Counts.Records, m.Counts.Contents, len(m.Gaps), size), nil
}

// checkFiles compares every file but manifest and export.json with the manifest.
func checkFiles(files map[string][]byte, m *manifest) error {
	for name, data := range files {
		if name == "manifest.json" || name == "export.json" {
			continue
		}
		entry, ok := m.Files[name]
		if !ok {
			return fmt.Errorf("%s is not in the manifest", name)
		}
		sum := sha256.Sum256(data)
		if entry.SHA256 != hex.EncodeToString(sum[:]) || entry.Bytes != len(data) {
			return fmt.Errorf("%s is not as the manifest has it", name)
		}
	}
	for name := range m.Files {
		if _, ok := files[name]; !ok {
			return fmt.Errorf("%s is in the manifest only", name)
		}
	}
	return nil
}

// openCheckpoint verifies a note of the log and returns root and size (section 4).
func openCheckpoint(text, vkey string) (tlog.Hash, int64, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Hash{}, 0, err
	}
	opened, err := note.Open([]byte(text), note.VerifierList(verifier))
	if err != nil {
		return tlog.Hash{}, 0, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tlog.Hash{}, 0, fmt.Errorf("malformed: %q", opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Hash{}, 0, err
	}
	root, err := tlog.ParseHash(lines[2])
	return root, size, err
}

// checkEvents checks records, proofs and contents line by line.
func checkEvents(files map[string][]byte, m *manifest, size int64, root tlog.Hash) ([]record, error) {
	lines, proofs := split(files["records.jsonl"]), split(files["proofs.jsonl"])
	contents, hasContents := map[int64]string{}, files["contents.jsonl"] != nil
	for i, line := range split(files["contents.jsonl"]) {
		var row struct {
			Seq     int64   `json:"seq"`
			Content *string `json:"content"`
		}
		if err := strict([]byte(line), &row, true); err != nil || row.Content == nil {
			return nil, fmt.Errorf("contents.jsonl:%d: %v", i+1, err)
		}
		contents[row.Seq] = *row.Content
	}
	if len(lines) != len(proofs) || len(lines) != m.Counts.Records || len(contents) != m.Counts.Contents {
		return nil, fmt.Errorf("%d records, %d proofs, %d contents, in the manifest %v", len(lines), len(proofs), len(contents), m.Counts)
	}
	used, last := 0, int64(-1)
	var records []record
	for i, line := range lines {
		at := func(err error) error { return fmt.Errorf("records.jsonl:%d: %w", i+1, err) }
		var p proof
		if err := strict([]byte(proofs[i]), &p, true); err != nil {
			return nil, at(err)
		}
		var r record
		if err := strict([]byte(line), &r, false); err != nil {
			return nil, at(err)
		}
		if r.Seq != p.Seq || r.Seq <= last || r.Seq >= m.Query.At {
			return nil, at(fmt.Errorf("seq %d after %d, proof of %d", r.Seq, last, p.Seq))
		}
		last = r.Seq
		var content *string
		if text, ok := contents[r.Seq]; ok {
			content = &text
			used++
		} else if hasContents && r.Content != nil {
			return nil, at(errors.New("the content is missing"))
		}
		if err := checkLeaf(&p, line, r, content); err != nil {
			return nil, at(err)
		}
		if err := checkInclusion(p.Leaf, p.Proof, r.Seq, size, root); err != nil {
			return nil, at(err)
		}
		records = append(records, r)
	}
	if used != len(contents) {
		return nil, errors.New("contents of events that are not there")
	}
	if m.Query.Q == "" && m.Query.From == nil && m.Query.To == nil && int64(len(records)) != m.Query.At {
		return nil, fmt.Errorf("%d records of a log of %d", len(records), m.Query.At)
	}
	return records, nil
}

// checkLeaf recomputes the commitments of what is there and compares the leaf (section 3).
func checkLeaf(p *proof, line string, r record, content *string) error {
	if len(p.Leaf) != 74 {
		return fmt.Errorf("leaf of %d bytes", len(p.Leaf))
	}
	leaf := []byte{1, 0}
	leaf = binary.BigEndian.AppendUint64(leaf, uint64(r.RecordedAt.UnixMicro()))
	leaf = append(leaf, commit("indelible/record/v1", p.SaltRecord, line)...)
	switch {
	case content != nil:
		leaf = append(leaf, commit("indelible/content/v1", p.SaltContent, *content)...)
	case r.Content != nil:
		leaf = append(leaf, p.Leaf[42:]...)
	default:
		leaf = append(leaf, make([]byte, sha256.Size)...)
	}
	if !bytes.Equal(leaf, p.Leaf) {
		return fmt.Errorf("leaf %x, want %x", p.Leaf, leaf)
	}
	return nil
}

func commit(domain string, salt []byte, text string) []byte {
	hash := sha256.New()
	hash.Write([]byte(domain + "\x00"))
	hash.Write(salt)
	hash.Write([]byte(text))
	return hash.Sum(nil)
}

func checkInclusion(leaf []byte, hashes []string, seq, size int64, root tlog.Hash) error {
	var proof tlog.RecordProof
	for _, text := range hashes {
		hash, err := tlog.ParseHash(text)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	return tlog.CheckRecord(proof, size, root, seq, tlog.RecordHash(leaf))
}

// checkExport checks the bundle of the export's own record, and that it names this manifest.
func checkExport(files map[string][]byte, m *manifest, vkey string) error {
	var b bundle
	if err := strict(files["export.json"], &b, true); err != nil {
		return err
	}
	if b.Record == nil || b.Key != vkey {
		return errors.New("no record, or another key")
	}
	root, size, err := openCheckpoint(b.Checkpoint, vkey)
	if err != nil {
		return err
	}
	var r record
	if err := json.Unmarshal([]byte(*b.Record), &r); err != nil {
		return err
	}
	p := proof{b.Index, b.SaltRecord, b.SaltContent, b.Leaf, b.Proof}
	if err := checkLeaf(&p, *b.Record, r, b.Content); err != nil {
		return err
	}
	if err := checkInclusion(b.Leaf, b.Proof, b.Index, size, root); err != nil {
		return err
	}
	text := fmt.Sprintf("c2sp.org/tlog-proof@v1\nindex %d\n", b.Index)
	for _, hash := range b.Proof {
		text += hash + "\n"
	}
	if b.TlogProof != text+"\n"+b.Checkpoint {
		return errors.New("tlog_proof says something else")
	}
	sum := sha256.Sum256(files["manifest.json"])
	isExport := r.Source == "system" && r.Action == "export.created" && r.Seq == b.Index && r.Seq >= m.Query.At
	if !isExport || r.Meta.ManifestSHA256 != hex.EncodeToString(sum[:]) {
		return fmt.Errorf("record %s", *b.Record)
	}
	return nil
}

// checkGaps compares gaps.json with the manifest; if everything was asked for, the gaps have to be those that the
// records show, else no told gap may have a number that arrived.
func checkGaps(files map[string][]byte, m *manifest, records []record) error {
	type gap struct {
		Producer string `json:"producer"`
		From     *int64 `json:"from"`
		To       *int64 `json:"to"`
	}
	var told, inManifest []gap
	if err := json.Unmarshal(files["gaps.json"], &told); err != nil {
		return fmt.Errorf("gaps.json: %w", err)
	}
	whole, err := json.Marshal(m.Gaps)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(whole, &inManifest); err != nil || len(told) != len(inManifest) {
		return fmt.Errorf("gaps.json has %d gaps, the manifest %d: %v", len(told), len(inManifest), err)
	}
	arrived := map[string]map[int64]bool{}
	highest := map[string]int64{}
	for _, r := range records {
		if r.Producer.ID == nil || r.Producer.Seq == nil || *r.Producer.Seq < 0 {
			continue
		}
		id, number := *r.Producer.ID, *r.Producer.Seq
		if arrived[id] == nil {
			arrived[id] = map[int64]bool{}
		}
		arrived[id][number] = true
		highest[id] = max(highest[id], number)
	}
	missing := map[string]map[int64]bool{}
	count := 0
	for i, gap := range told {
		if gap.From == nil || gap.To == nil {
			return fmt.Errorf("gaps.json: gap %d is of a kind that these records cannot have", i)
		}
		for number := *gap.From; number <= *gap.To; number++ {
			if arrived[gap.Producer][number] {
				return fmt.Errorf("number %d of %s arrived", number, gap.Producer)
			}
			if missing[gap.Producer] == nil {
				missing[gap.Producer] = map[int64]bool{}
			}
			missing[gap.Producer][number] = true
			count++
		}
	}
	if m.Query.Q != "" || m.Query.From != nil || m.Query.To != nil {
		return nil
	}
	for id, numbers := range arrived {
		for number := int64(0); number < highest[id]; number++ {
			if !numbers[number] {
				if !missing[id][number] {
					return fmt.Errorf("number %d of %s is missing and not told", number, id)
				}
				count--
			}
		}
	}
	if count != 0 {
		return fmt.Errorf("%d numbers too many are told as missing", count)
	}
	return nil
}

// split gives the lines of a file, whose last one has an end, too.
func split(data []byte) []string {
	if len(data) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}

// strict reads JSON that has to be there once and, if it is closed, without members that nobody knows.
func strict(data []byte, into any, closed bool) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if closed {
		decoder.DisallowUnknownFields()
	}
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("more than one value")
	}
	return nil
}
