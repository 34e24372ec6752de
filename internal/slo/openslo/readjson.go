package openslo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// jsonReader walks JSON tokens and knows the line and column of each.
type jsonReader struct {
	*reader
	data  []byte
	dec   *json.Decoder
	at    int // offset up to which lines are counted
	line  int
	start int // offset of the current line
}

// errStop ends the walk; what was wrong has been reported.
var errStop = errors.New("stop")

// json reads any number of JSON values, one behind the other.
func (r *reader) json(data []byte) (docs []*Node) {
	j := &jsonReader{reader: r, data: data, dec: json.NewDecoder(bytes.NewReader(data)), line: 1}
	j.dec.UseNumber()
	for {
		n, err := j.value(0)
		if errors.Is(err, io.EOF) && n == nil {
			return docs
		}
		if err != nil {
			return docs
		}
		docs = append(docs, n)
	}
}

// next returns the next token and its place.
func (j *jsonReader) next() (json.Token, fault.Place, error) {
	from := int(j.dec.InputOffset())
	for from < len(j.data) && bytes.IndexByte([]byte(" \t\r\n,:"), j.data[from]) >= 0 {
		from++
	}
	for ; j.at < from; j.at++ {
		if j.data[j.at] == '\n' {
			j.line, j.start = j.line+1, j.at+1
		}
	}
	place := fault.Place{File: j.file, Line: j.line, Column: from - j.start + 1}
	tok, err := j.dec.Token()
	if errors.Is(err, io.EOF) && from >= len(j.data) && j.at >= len(j.data) {
		return nil, place, io.EOF
	}
	if err != nil {
		j.fail(place, "malformed", "not valid JSON: "+err.Error(), "")
		return nil, place, errStop
	}
	return tok, place, nil
}

func (j *jsonReader) value(depth int) (*Node, error) {
	tok, place, err := j.next()
	if err != nil {
		if errors.Is(err, io.EOF) && depth > 0 {
			j.fail(place, "malformed", "not valid JSON: it ends too early", "")
			return nil, errStop
		}
		return nil, err
	}
	if j.nodes++; j.nodes > maxNodes || depth > maxDepth {
		j.fail(place, "too-large", "nests too deep or has too many values", fmt.Sprintf("documents nest at most %d levels", maxDepth))
		return nil, errStop
	}
	n := &Node{Place: place}
	switch v := tok.(type) {
	case json.Delim:
		if v == '[' {
			n.Kind = List
			return n, j.list(n, depth)
		}
		n.Kind = Map
		return n, j.object(n, depth)
	case string:
		n.Kind, n.Text = String, v
	case json.Number:
		n.Kind, n.Text = Number, v.String()
	case bool:
		n.Kind, n.Text = Bool, fmt.Sprint(v)
	}
	return n, nil
}

func (j *jsonReader) list(n *Node, depth int) error {
	for j.dec.More() {
		it, err := j.value(depth + 1)
		if err != nil {
			return err
		}
		n.Items = append(n.Items, it)
	}
	return j.end()
}

func (j *jsonReader) object(n *Node, depth int) error {
	seen := keys{}
	for j.dec.More() {
		tok, place, err := j.next()
		if err != nil {
			return j.cut(place, err)
		}
		key, _ := tok.(string)
		v, err := j.value(depth + 1)
		if err != nil {
			return err
		}
		j.add(n, seen, Pair{key, place, v})
	}
	return j.end()
}

// end consumes the closing bracket.
func (j *jsonReader) end() error {
	_, place, err := j.next()
	return j.cut(place, err)
}

func (j *jsonReader) cut(place fault.Place, err error) error {
	if errors.Is(err, io.EOF) {
		j.fail(place, "malformed", "not valid JSON: it ends too early", "")
		return errStop
	}
	return err
}
