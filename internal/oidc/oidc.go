// Package oidc checks identity tokens of an OpenID Connect issuer: signature
// by one of the issuer's published keys, issuer, audience and time.
//
// Which issuer is trusted is the caller's to say; nothing in a token is
// believed before its signature is checked. Only signatures by RSA and
// elliptic-curve keys count, so a token cannot choose to be unsigned, nor to be
// signed with a public key used as a password.
package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"gitlab.com/nines-sre/nines/internal/fault"
)

const (
	// skew is how far two clocks may differ.
	skew = time.Minute
	// maxToken is more than any issuer of identity tokens writes (GitLab's
	// largest carry two hundred groups).
	maxToken = 32 << 10
	// keysFor is how long fetched keys are used without asking again.
	keysFor = time.Hour
)

// algorithms are the signatures that count: those that need the issuer's
// private key.
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.ES256, jose.ES384, jose.ES512}
}

// Expect is what a token must say. Issuer is the https address of the issuer,
// as the token spells it.
type Expect struct {
	Issuer   string
	Audience string
	Now      time.Time
}

// Token is a token whose signature, issuer, audience and times were checked.
type Token struct {
	ID      string // jti; never empty
	Subject string
	Issued  time.Time
	Expires time.Time
	raw     []byte
}

// Claims decodes the token's claims into a struct with JSON tags.
func (t *Token) Claims(into any) error {
	if err := json.Unmarshal(t.raw, into); err != nil {
		return fault.New(fault.Denied, "identity token", "its claims cannot be read: "+err.Error(), "")
	}
	return nil
}

// Verifier checks tokens and keeps the keys of their issuers for an hour. It is
// safe for concurrent use.
type Verifier struct {
	client *http.Client
	mu     sync.Mutex
	keys   map[string]keySet
}

type keySet struct {
	jose.JSONWebKeySet
	fetched time.Time
}

// New returns a verifier that fetches keys with client, which should have a
// timeout. Redirects are never followed: keys come from where the issuer says
// and from nowhere else.
func New(client *http.Client) *Verifier {
	c := *client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Verifier{client: &c, keys: map[string]keySet{}}
}

// Verify checks a token. A token that does not hold is Denied, and the error
// says in which respect; keys that cannot be had are Unavailable, an issuer
// that cannot be one is Invalid. The token itself never stands in an error.
func (v *Verifier) Verify(ctx context.Context, text string, want Expect) (Token, error) {
	if err := checkIssuer(want); err != nil {
		return Token{}, err
	}
	if len(text) > maxToken {
		return Token{}, denied("it is longer than any token")
	}
	sig, err := jose.ParseSignedCompact(strings.TrimSpace(text), algorithms())
	if err != nil {
		return Token{}, denied("it is no signed token: " + parseText(err))
	}
	header := sig.Signatures[0].Header
	key, err := v.key(ctx, want, header.KeyID)
	if err != nil {
		return Token{}, err
	}
	// A key that says what it is for is used for nothing else.
	if key.Algorithm != "" && key.Algorithm != header.Algorithm {
		return Token{}, denied(fmt.Sprintf("it is signed by %s, its key is for %s", header.Algorithm, key.Algorithm))
	}
	raw, err := sig.Verify(key.Key)
	if err != nil {
		return Token{}, denied("its signature is not that of " + want.Issuer)
	}
	return read(raw, want)
}

// read checks what a genuine token says.
func read(raw []byte, want Expect) (Token, error) {
	var c jwt.Claims
	if err := json.Unmarshal(raw, &c); err != nil {
		return Token{}, denied("its claims cannot be read")
	}
	switch {
	case c.Issuer != want.Issuer:
		return Token{}, denied(fmt.Sprintf("it was issued by %q, not by %s", c.Issuer, want.Issuer))
	case !slices.Contains(c.Audience, want.Audience):
		return Token{}, denied(fmt.Sprintf("it is for %q, not for %s", []string(c.Audience), want.Audience))
	case c.Expiry == nil || c.IssuedAt == nil:
		return Token{}, denied("it does not say from when to when it holds")
	case c.ID == "":
		return Token{}, denied("it has no number (jti) by which a second use could be noticed")
	}
	t := Token{ID: c.ID, Subject: c.Subject, Issued: c.IssuedAt.Time().UTC(), Expires: c.Expiry.Time().UTC(), raw: raw}
	switch {
	case !want.Now.Before(t.Expires.Add(skew)):
		return Token{}, denied("it expired at " + t.Expires.Format(time.RFC3339))
	case t.Issued.After(want.Now.Add(skew)):
		return Token{}, denied("it was issued in the future, at " + t.Issued.Format(time.RFC3339))
	case c.NotBefore != nil && c.NotBefore.Time().After(want.Now.Add(skew)):
		return Token{}, denied("it does not hold before " + c.NotBefore.Time().UTC().Format(time.RFC3339))
	}
	return t, nil
}

// checkIssuer refuses an expectation under which anything could be genuine.
func checkIssuer(want Expect) error {
	op := "identity of " + want.Issuer
	u, err := url.Parse(want.Issuer)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fault.New(fault.Invalid, op, "it is not the address of an issuer", "write one like https://gitlab.example.com")
	case !secure(u):
		return fault.New(fault.Invalid, op, "keys fetched over "+u.Scheme+" could be anybody's", "use https")
	case want.Audience == "":
		return fault.New(fault.Invalid, op, "it is not said for whom tokens must be", "name the audience")
	case want.Now.IsZero():
		return fault.New(fault.Internal, op, "the instant is missing", "")
	}
	return nil
}

// secure says whether what an address answers is the word of its host: https,
// or a server on this very machine.
func secure(u *url.URL) bool {
	if u.Scheme == "https" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// parseText keeps the library's words, without the token they may quote.
func parseText(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	const most = 120
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return text
}

func denied(text string) error {
	return fault.New(fault.Denied, "identity token", text, "let the job have one with `id_tokens`, and use it in the job it was made for")
}
