package dynamodbtest

import (
	"bytes"
	"io"
	"net/http"
)

// Whole is a client that has read an answer to its end before it hands it on.
// Under load the SDK now and then gives up a connection while it still reads a
// long answer; a client that retries does not notice, tests that see every answer
// do.
type Whole struct{ *http.Client }

// Do sends a request; an answer that breaks off does so where it did.
func (w Whole) Do(r *http.Request) (*http.Response, error) {
	res, err := w.Client.Do(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	var rest io.Reader = bytes.NewReader(body)
	if err != nil {
		rest = io.MultiReader(rest, broken{err})
	}
	res.Body = io.NopCloser(rest)
	return res, nil
}

// broken is the place where an answer breaks off.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }
