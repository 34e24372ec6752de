package trace

import "encoding/binary"

// message is a protobuf message that came from others.
type message []byte

// each calls yield for every field until it says no, or the bytes are no message.
// Of a varint it gives the number, of a string or message the bytes.
func (m message) each(yield func(field, number uint64, data []byte) bool) {
	for len(m) > 0 {
		tag, n := binary.Uvarint(m)
		if n <= 0 {
			return
		}
		m = m[n:]
		var number uint64
		var data []byte
		switch tag & 7 {
		case wireVarint:
			if number, n = binary.Uvarint(m); n <= 0 {
				return
			}
			m = m[n:]
		case wireLen:
			size, n := binary.Uvarint(m)
			if n <= 0 || size > uint64(len(m)-n) { //nolint:gosec // not negative
				return
			}
			data, m = m[n:n+int(size)], m[n+int(size):] //nolint:gosec // within the message
		case wireI64, wireI32:
			size := 8
			if tag&7 == wireI32 {
				size = 4
			}
			if len(m) < size {
				return
			}
			m = m[size:]
		default:
			return
		}
		if !yield(tag>>3, number, data) {
			return
		}
	}
}

// field is the message in a field.
func field(b []byte, want uint64) (m message, ok bool) {
	message(b).each(func(f, _ uint64, data []byte) bool {
		if f == want && data != nil {
			m, ok = data, true
		}
		return !ok
	})
	return m, ok
}

func (m message) varint(want uint64) (n uint64) {
	m.each(func(f, number uint64, _ []byte) bool {
		if f == want {
			n = number
		}
		return true
	})
	return n
}

func (m message) bytes(want uint64) (b []byte) {
	m.each(func(f, _ uint64, data []byte) bool {
		if f == want {
			b = data
		}
		return true
	})
	return b
}
