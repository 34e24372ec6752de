package main_test

import (
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// collector takes spans as OpenTelemetry's do: OTLP over HTTP, as protobuf.
type collector struct {
	t   *testing.T
	url string
	mu  sync.Mutex
	got []span
}

// span is the part of a span that tells where it belongs.
type span struct{ service, trace, id, parent, name string }

func collect(t *testing.T) *collector {
	t.Helper()
	c := &collector{t: t}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", func(_ http.ResponseWriter, r *http.Request) {
		from := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			from = z
		}
		data, err := io.ReadAll(from)
		if err != nil || r.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("%v, %v", err, r.Header)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.request(data)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *collector) spans() []span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]span(nil), c.got...)
}

// request reads an ExportTraceServiceRequest: resource_spans (1), each with a
// resource (1) and scope_spans (2), each of those with spans (2).
func (c *collector) request(data []byte) {
	for _, rs := range c.fields(data)[1] {
		parts, service := c.fields(rs), ""
		for _, resource := range parts[1] {
			for _, attribute := range c.fields(resource)[1] {
				if kv := c.fields(attribute); string(first(kv[1])) == "service.name" {
					service = string(first(c.fields(first(kv[2]))[1]))
				}
			}
		}
		for _, ss := range parts[2] {
			for _, s := range c.fields(ss)[2] {
				f := c.fields(s)
				c.got = append(c.got, span{service, hex.EncodeToString(first(f[1])), hex.EncodeToString(first(f[2])), hex.EncodeToString(first(f[4])), string(first(f[5]))})
			}
		}
	}
}

func first(values [][]byte) []byte {
	if len(values) == 0 {
		return nil
	}
	return values[0]
}

// fields are the fields of a message that have a length: messages, texts, bytes.
func (c *collector) fields(data []byte) map[uint64][][]byte {
	out := map[uint64][][]byte{}
	for len(data) > 0 {
		tag, n := binary.Uvarint(data)
		data = data[max(n, 0):]
		size := uint64(0)
		switch tag & 7 {
		case 0: // a number
			_, n = binary.Uvarint(data)
			size = uint64(max(n, 0))
		case 1:
			size = 8
		case 5:
			size = 4
		case 2:
			size, n = binary.Uvarint(data)
			data = data[max(n, 0):]
		}
		if n <= 0 || size > uint64(len(data)) {
			c.t.Errorf("no protobuf: %x", data)
			return out
		}
		if tag&7 == 2 {
			out[tag>>3] = append(out[tag>>3], data[:size])
		}
		data = data[size:]
	}
	return out
}
