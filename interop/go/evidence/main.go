// Command evidence checks an evidence package from docs/format.md alone, with Go's own ZIP, hashes and JSON and with
// golang.org/x/mod/sumdb for the tree and the signed note. Then it changes the package in every way that it knows, and
// fails if it, or another verifier that it is told of, takes one of them for whole.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	path := flag.String("package", "", "the package")
	vkeyFile := flag.String("vkey-file", "", "file with the verifier key of the log")
	indelible := flag.String("indelible", "", "the program whose `verify` has to agree")
	script := flag.String("script", "", "a script for Node that has to agree: it prints `good` or `bad` for each package")
	scratch := flag.String("scratch", "", "directory for changed packages")
	flag.Parse()

	if err := run(*path, *vkeyFile, *indelible, *script, *scratch); err != nil {
		fmt.Fprintf(os.Stderr, "evidence: %v\n", err)
		os.Exit(1)
	}
}

func run(path, vkeyFile, indelible, script, scratch string) error {
	data, err := os.ReadFile(vkeyFile)
	if err != nil {
		return err
	}
	vkey := strings.TrimSpace(string(data))
	files, err := unpack(path)
	if err != nil {
		return err
	}
	summary, err := check(files, vkey)
	if err != nil {
		return err
	}
	fmt.Printf("ok package: %s\n", summary)
	if scratch == "" {
		return nil
	}
	changes, err := writeChanges(files, scratch)
	if err != nil {
		return err
	}
	for _, change := range changes {
		files, err := unpack(change.path)
		if err == nil {
			_, err = check(files, vkey)
		}
		if change.isWhole != (err == nil) {
			return fmt.Errorf("%s: here it is %v", change.name, err)
		}
	}
	fmt.Printf("ok changes: %d, each found but those that change nothing\n", len(changes))
	if err := agreeIndelible(indelible, vkey, changes); err != nil {
		return err
	}
	return agreeScript(script, vkey, changes)
}

// agreeIndelible has the program judge every change: 0 is whole, 3 is not.
func agreeIndelible(program, vkey string, changes []change) error {
	if program == "" {
		return nil
	}
	for _, change := range changes {
		output, err := exec.Command(program, "verify", change.path, "--vkey", vkey).CombinedOutput()
		code := 0
		if exit, ok := err.(*exec.ExitError); ok {
			code = exit.ExitCode()
		} else if err != nil {
			return err
		}
		want := 3
		if change.isWhole {
			want = 0
		}
		if code != want {
			return fmt.Errorf("%s: indelible verify ends with %d, want %d:\n%s", change.name, code, want, output)
		}
	}
	fmt.Println("ok indelible verify agrees")
	return nil
}

// agreeScript has a script judge all changes at once.
func agreeScript(script, vkey string, changes []change) error {
	if script == "" {
		return nil
	}
	args := []string{script, vkey}
	for _, change := range changes {
		args = append(args, change.path)
	}
	output, err := exec.Command("node", args...).Output()
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(script), err)
	}
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	if len(lines) != len(changes) {
		return fmt.Errorf("%s judged %d of %d packages", filepath.Base(script), len(lines), len(changes))
	}
	for i, change := range changes {
		want := "bad"
		if change.isWhole {
			want = "good"
		}
		if !strings.HasPrefix(lines[i], want) {
			return fmt.Errorf("%s: the script says %q", change.name, lines[i])
		}
	}
	fmt.Println("ok the script of the page agrees")
	return nil
}
