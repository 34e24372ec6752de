package xrayd

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
)

// Sign signs a request with what Verify computes: for tests of the bounds, which
// need requests that are signed well. TestVerifyPublished and TestBotocore hold
// the computation itself to others.
func Sign(r *http.Request, body []byte, s Signing) {
	at := s.Now.UTC()
	r.Header.Set("X-Amz-Date", at.Format("20060102T150405Z"))
	if s.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", s.SessionToken)
	}
	r.Host = r.URL.Host
	signed := []string{"host"}
	for name := range r.Header {
		signed = append(signed, strings.ToLower(name))
	}
	slices.Sort(signed)
	list := strings.Join(signed, ";")
	sum := sha256.Sum256(body)
	scope := strings.Join([]string{at.Format("20060102"), s.Region, s.Service, "aws4_request"}, "/")
	signature := s.sign(canonical(r, list, hex.EncodeToString(sum[:])), at, scope)
	r.Header.Set("Authorization", algorithm+" Credential="+s.AccessKeyID+"/"+scope+", SignedHeaders="+list+", Signature="+signature)
}
