package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

var (
	// errNotFound is the answer 404.
	errNotFound = errors.New("not found")
	// errBadRequest is the answer 400, which a malformed path may also get.
	errBadRequest = errors.New("bad request")
)

// publicPrefix begins the paths that need no key.
const publicPrefix = "/trails/"

type client struct {
	base string
	log  string
	key  string
	// tamper, if there is one, changes what was read, to show that the checks notice.
	tamper func(path string, body []byte) []byte
}

// get returns the body of a 200 answer to path, which starts with a slash.
func (c *client) get(path string) ([]byte, error) {
	request, err := http.NewRequest(http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(path, publicPrefix) {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return nil, err
	case response.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("GET %s: %w", path, errNotFound)
	case response.StatusCode == http.StatusBadRequest:
		return nil, fmt.Errorf("GET %s: %w: %s", path, errBadRequest, body)
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("GET %s: %s: %s", path, response.Status, body)
	}
	if c.tamper != nil {
		body = c.tamper(path, body)
	}
	return body, nil
}

func (c *client) getJSON(path string, into any) error {
	body, err := c.get(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	return nil
}
