// Package sigv4 signs HTTP requests for AWS, Signature Version 4, as the SDK does:
// every header of the request is signed, the path is escaped twice (all services
// but S3 want it so), the body is signed by its hash.
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	algorithm = "AWS4-HMAC-SHA256"
	stamp     = "20060102T150405Z"
	day       = "20060102"
)

// Keys are what a request is signed with.
type Keys struct{ ID, Secret, Token string }

// Signer signs for one service of one region. It remembers the key of the day. Its
// methods may be called from any number of goroutines.
type Signer struct {
	Region, Service string

	mu          sync.Mutex
	date        string // of the key
	secret, key []byte
}

// Sign adds X-Amz-Date, X-Amz-Security-Token and Authorization to r, whose body it
// is given. Nothing of the request may be changed after that, except the headers
// that the transport adds.
func (s *Signer) Sign(r *http.Request, body []byte, k Keys, now time.Time) {
	now = now.UTC()
	r.Header.Del("Authorization")
	r.Header.Set("X-Amz-Date", now.Format(stamp))
	r.Header.Del("X-Amz-Security-Token")
	if k.Token != "" {
		r.Header.Set("X-Amz-Security-Token", k.Token)
	}
	headers, signed := headers(r)
	canonical := strings.Join([]string{r.Method, path(r.URL), query(r.URL), headers, signed, digest(body)}, "\n")
	scope := strings.Join([]string{now.Format(day), s.Region, s.Service, "aws4_request"}, "/")
	text := strings.Join([]string{algorithm, now.Format(stamp), scope, digest([]byte(canonical))}, "\n")
	signature := hex.EncodeToString(mac(s.keyOf(k.Secret, now.Format(day)), text))
	r.Header.Set("Authorization", algorithm+" Credential="+k.ID+"/"+scope+", SignedHeaders="+signed+", Signature="+signature)
}

func (s *Signer) keyOf(secret, date string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.date != date || string(s.secret) != secret {
		k := []byte("AWS4" + secret)
		for _, part := range []string{date, s.Region, s.Service, "aws4_request"} {
			k = mac(k, part)
		}
		s.date, s.secret, s.key = date, []byte(secret), k
	}
	return s.key
}

// headers returns the canonical headers, with an empty line behind them, and the
// names of those that are signed.
func headers(r *http.Request) (canonical, signed string) {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	lines := []string{"host:" + strip(host)}
	if r.ContentLength > 0 {
		lines = append(lines, "content-length:"+strconv.FormatInt(r.ContentLength, 10))
	}
	for name, values := range r.Header {
		name = strings.ToLower(name)
		switch name {
		case "host", "content-length", "authorization", "user-agent", "x-amzn-trace-id", "expect", "transfer-encoding":
			continue // said already, or changed on the way
		}
		parts := make([]string, len(values))
		for i, v := range values {
			parts[i] = strip(v)
		}
		lines = append(lines, name+":"+strings.Join(parts, ","))
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(before(a), before(b)) })
	names := make([]string, len(lines))
	for i, l := range lines {
		names[i] = before(l)
	}
	return strings.Join(lines, "\n") + "\n", strings.Join(names, ";")
}

func before(line string) string {
	name, _, _ := strings.Cut(line, ":")
	return name
}

// strip removes spaces around a value and makes several inside of it one.
func strip(v string) string {
	return strings.Join(strings.FieldsFunc(v, func(r rune) bool { return r == ' ' }), " ")
}

func path(u *url.URL) string {
	p := u.EscapedPath()
	if p == "" {
		return "/"
	}
	b := make([]byte, 0, len(p)+8)
	for i := range len(p) {
		switch c := p[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b = append(b, c)
		default:
			const hexes = "0123456789ABCDEF"
			b = append(b, '%', hexes[c>>4], hexes[c&15])
		}
	}
	return string(b)
}

// query is sorted by names as they are escaped, then by values. (url.Values.Encode
// sorts by names as they are meant.)
func query(u *url.URL) string {
	var pairs [][2]string
	for name, values := range u.Query() {
		for _, v := range values {
			pairs = append(pairs, [2]string{escape(name), escape(v)})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	parts := make([]string, len(pairs))
	for i, p := range pairs {
		parts[i] = p[0] + "=" + p[1]
	}
	return strings.Join(parts, "&")
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
