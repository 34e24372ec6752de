package csv

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// maxLine is the longest line that is read; a longer one is dropped as a row.
const maxLine = 64 << 10

// The ways in which a line is no row.
var (
	errLongLine = errors.New("the line is longer than 64 KiB")
	errQuote    = errors.New("a quote is not closed on its line, or text follows it")
)

// scanner reads a file line by line and splits lines into fields. A quoted
// field ends on its line, so that a stray quote costs one row and not the rest
// of the file.
type scanner struct {
	in     *bufio.Reader
	line   int // number of the line read last, from 1
	delim  byte
	fields [][]byte // reused from row to row
}

func newScanner(r io.Reader) *scanner {
	return &scanner{in: bufio.NewReaderSize(r, maxLine), delim: ','}
}

// begin skips a byte order mark and refuses what is no text of bytes.
func (s *scanner) begin(name string) error {
	head, err := s.in.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, err = s.in.Discard(3)
		return err
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return fault.New(fault.Invalid, name, "the file is UTF-16", "save it as UTF-8")
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return fault.New(fault.Invalid, name, "the file is compressed", "unpack it first: gunzip FILE")
	}
	return nil
}

// next returns the next line that is not blank, without its end. The bytes are
// good until the next call. errLongLine stands for one line and does not end
// the file.
func (s *scanner) next() ([]byte, error) {
	for {
		text, err := s.in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			s.line++
			return nil, s.discard()
		}
		if err != nil && (!errors.Is(err, io.EOF) || len(text) == 0) {
			return nil, err
		}
		s.line++
		if len(bytes.TrimSpace(text)) > 0 {
			return bytes.TrimRight(text, "\r\n"), nil
		}
	}
}

// discard drops the rest of a long line.
func (s *scanner) discard() error {
	for {
		_, err := s.in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == nil, errors.Is(err, io.EOF):
			return errLongLine
		default:
			return err
		}
	}
}

// split cuts a line into trimmed fields. They are good until the next call.
func (s *scanner) split(line []byte) ([][]byte, error) {
	s.fields = s.fields[:0]
	for {
		line = bytes.TrimLeft(line, " ")
		var field []byte
		var more bool
		if len(line) > 0 && line[0] == '"' {
			var err error
			if field, line, err = unquote(line[1:]); err != nil {
				return nil, err
			}
			line = bytes.TrimLeft(line, " ")
			if more = len(line) > 0; more && line[0] != s.delim {
				return nil, errQuote
			} else if more {
				line = line[1:]
			}
		} else {
			field, line, more = bytes.Cut(line, []byte{s.delim})
		}
		s.fields = append(s.fields, bytes.TrimSpace(field))
		if !more {
			return s.fields, nil
		}
	}
}

// unquote reads up to the closing quote; "" inside stands for one quote.
func unquote(line []byte) (field, rest []byte, err error) {
	for i := 0; i < len(line); i++ {
		if line[i] != '"' {
			continue
		}
		if i+1 < len(line) && line[i+1] == '"' {
			i++
			continue
		}
		return bytes.ReplaceAll(line[:i], []byte(`""`), []byte(`"`)), line[i+1:], nil
	}
	return nil, nil, errQuote
}

// guessDelimiter takes the separator that the first line uses most.
func guessDelimiter(line []byte) byte {
	best, most := byte(','), bytes.Count(line, []byte{','})
	for _, d := range []byte{';', '\t'} {
		if n := bytes.Count(line, []byte{d}); n > most {
			best, most = d, n
		}
	}
	return best
}
