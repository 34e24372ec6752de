package xrayd

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Credentials are what requests are signed with.
type Credentials struct {
	AccessKeyID, SecretAccessKey string
	// SessionToken is that of temporary credentials; a request must carry it when
	// it is set, as Lambda's do.
	SessionToken string
}

// skew is how far a signature's time may be from the service's.
const skew = 5 * time.Minute

const algorithm = "AWS4-HMAC-SHA256"

// Signature is what a request says about its own signature.
type signature struct {
	accessKey, scope, signed, value string
	at                              time.Time
}

// Verify says what is wrong with the signature of a request to a service in a
// region, whose body is given apart. It follows
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
// step by step; nothing of it is shared with the library's signer.
func Verify(r *http.Request, body []byte, s Signing) error {
	sig, err := parseAuthorization(r)
	if err != nil {
		return err
	}
	scope := strings.Join([]string{sig.at.Format("20060102"), s.Region, s.Service, "aws4_request"}, "/")
	switch {
	case sig.accessKey != s.AccessKeyID:
		return fmt.Errorf("the access key is %q", sig.accessKey)
	case sig.scope != scope:
		return fmt.Errorf("the scope is %q, not %q", sig.scope, scope)
	case s.Now.Sub(sig.at).Abs() > skew:
		return fmt.Errorf("signed at %s, and now it is %s", sig.at.Format(time.RFC3339), s.Now.UTC().Format(time.RFC3339))
	case r.Header.Get("X-Amz-Security-Token") != s.SessionToken:
		return errors.New("the session token is not that of the credentials")
	}
	if err := checkSigned(r, sig.signed); err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	payload := hex.EncodeToString(sum[:])
	if said := r.Header.Get("X-Amz-Content-Sha256"); said != "" && said != payload {
		return errors.New("x-amz-content-sha256 is not the hash of the body")
	}
	want := s.sign(canonical(r, sig.signed, payload), sig.at, scope)
	if subtle.ConstantTimeCompare([]byte(want), []byte(sig.value)) != 1 {
		return errors.New("the signature does not match the request")
	}
	return nil
}

// Signing is what a signature is checked for.
type Signing struct {
	Credentials
	Region, Service string
	Now             time.Time
}

// parseAuthorization takes the header apart.
func parseAuthorization(r *http.Request) (sig signature, err error) {
	fields, ok := strings.CutPrefix(r.Header.Get("Authorization"), algorithm+" ")
	if !ok {
		return sig, fmt.Errorf("no Authorization of %s", algorithm)
	}
	for part := range strings.SplitSeq(fields, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch key {
		case "Credential":
			sig.accessKey, sig.scope, _ = strings.Cut(value, "/")
		case "SignedHeaders":
			sig.signed = value
		case "Signature":
			sig.value = value
		default:
			return sig, fmt.Errorf("unknown part %q of Authorization", key)
		}
	}
	if sig.at, err = time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date")); err != nil {
		return sig, errors.New("no X-Amz-Date that can be read")
	}
	return sig, nil
}

// checkSigned holds the list of signed headers to what must be in it: the host,
// and every x-amz- header of the request.
func checkSigned(r *http.Request, signed string) error {
	list := strings.Split(signed, ";")
	if !slices.IsSorted(list) || strings.ToLower(signed) != signed {
		return fmt.Errorf("signed headers %q are not in lower case and sorted", signed)
	}
	if !slices.Contains(list, "host") {
		return errors.New("the host is not signed")
	}
	for name := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") && !slices.Contains(list, name) {
			return fmt.Errorf("%s is not signed", name)
		}
	}
	return nil
}

// canonical is the canonical request.
func canonical(r *http.Request, signed, payload string) string {
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	var headers strings.Builder
	for name := range strings.SplitSeq(signed, ";") {
		values := r.Header.Values(name)
		switch name {
		case "host":
			values = []string{r.Host}
		case "content-length":
			values = []string{fmt.Sprint(r.ContentLength)}
		}
		trimmed := make([]string, len(values))
		for i, v := range values {
			trimmed[i] = strings.Join(strings.Fields(v), " ")
		}
		headers.WriteString(name + ":" + strings.Join(trimmed, ",") + "\n")
	}
	return strings.Join([]string{r.Method, encodePath(path), query(r.URL), headers.String(), signed, payload}, "\n")
}

// encodePath escapes once more what the URL has escaped: every service but S3
// wants it twice.
func encodePath(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = escape(s)
	}
	return strings.Join(segments, "/")
}

// query is the query, escaped and sorted.
func query(u *url.URL) string {
	var pairs []string
	for name, values := range u.Query() {
		for _, v := range values {
			pairs = append(pairs, escape(name)+"="+escape(v))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// escape keeps unreserved characters and writes others as %XX.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// sign is the signature of a canonical request.
func (s Signing) sign(request string, at time.Time, scope string) string {
	sum := sha256.Sum256([]byte(request))
	text := strings.Join([]string{algorithm, at.Format("20060102T150405Z"), scope, hex.EncodeToString(sum[:])}, "\n")
	key := []byte("AWS4" + s.SecretAccessKey)
	for _, part := range append(strings.Split(scope, "/"), text) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}
