package oidc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/oidc"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// keys are made once: an RSA key takes a moment.
var keys = sync.OnceValue(func() (k struct {
	rsa, other, weak *rsa.PrivateKey
	ec               *ecdsa.PrivateKey
},
) {
	k.rsa, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.other, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.weak, _ = rsa.GenerateKey(rand.Reader, 1024)
	k.ec, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return k
})

// issuer is a self-made one.
type issuer struct {
	*httptest.Server
	discovery map[string]any
	set       jose.JSONWebKeySet
	asked     atomic.Int32 // how often the keys were
}

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	i := &issuer{set: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: keys().rsa.Public(), KeyID: "rsa", Use: "sig", Algorithm: "RS256"},
		{Key: keys().ec.Public(), KeyID: "ec", Use: "sig"},
		{Key: keys().other.Public(), KeyID: "enc", Use: "enc"},
	}}}
	if keys().weak != nil {
		i.set.Keys = append(i.set.Keys, jose.JSONWebKey{Key: keys().weak.Public(), KeyID: "weak", Use: "sig"})
	}
	i.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			_ = json.NewEncoder(w).Encode(i.discovery)
		case "/keys":
			i.asked.Add(1)
			_ = json.NewEncoder(w).Encode(i.set)
		case "/elsewhere":
			http.Redirect(w, r, "/keys", http.StatusFound)
		case "/huge":
			_, _ = w.Write([]byte(`{"keys":["` + strings.Repeat("x", 2<<20) + `"]}`))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(i.Close)
	i.discovery = map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys"}
	return i
}

// claims are those of a good token.
func (i *issuer) claims(change map[string]any) map[string]any {
	c := map[string]any{
		"iss": i.URL, "aud": "nines", "sub": "project_path:shop/pay:ref_type:branch:ref:main", "jti": "1",
		"iat": now.Unix(), "nbf": now.Add(-5 * time.Second).Unix(), "exp": now.Add(time.Hour).Unix(), "user_login": "ada",
	}
	maps.Copy(c, change)
	for k, v := range c {
		if v == nil {
			delete(c, k)
		}
	}
	return c
}

func sign(t testing.TB, alg jose.SignatureAlgorithm, key any, id string, claims map[string]any) string {
	t.Helper()
	opt := (&jose.SignerOptions{}).WithType("JWT")
	if id != "" {
		opt = opt.WithHeader("kid", id)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, opt)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	obj, err := s.Sign(body)
	if err != nil {
		t.Fatal(err)
	}
	out, err := obj.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (i *issuer) good(t testing.TB, change map[string]any) string {
	t.Helper()
	return sign(t, jose.RS256, keys().rsa, "rsa", i.claims(change))
}

func (i *issuer) want() oidc.Expect { return oidc.Expect{Issuer: i.URL, Audience: "nines", Now: now} }

func TestGoodTokens(t *testing.T) {
	i := newIssuer(t)
	v := oidc.New(i.Client())
	for name, token := range map[string]string{
		"RSA":                 i.good(t, nil),
		"elliptic curve":      sign(t, jose.ES256, keys().ec, "ec", i.claims(nil)),
		"several audiences":   i.good(t, map[string]any{"aud": []string{"vault", "nines"}}),
		"a newline behind it": i.good(t, nil) + "\n",
		"a clock 50 s ahead":  i.good(t, map[string]any{"iat": now.Add(50 * time.Second).Unix()}),
		"over for 50 s":       i.good(t, map[string]any{"exp": now.Add(-50 * time.Second).Unix()}),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := v.Verify(t.Context(), token, i.want())
			if err != nil {
				t.Fatal(err)
			}
			var c struct {
				Login string `json:"user_login"`
			}
			if err := got.Claims(&c); err != nil || c.Login != "ada" || got.ID != "1" || got.Subject == "" {
				t.Errorf("%+v %+v %v", got, c, err)
			}
		})
	}
	if n := i.asked.Load(); n != 1 {
		t.Errorf("the keys were fetched %d times; once is enough", n)
	}
}

// part encodes a part of a token by hand.
func part(v any) string {
	b, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(b)
}

// confused signs with the RSA public key as an HMAC secret, in the forms in
// which libraries have taken it for one.
func confused(claims map[string]any, secret []byte) string {
	body := part(map[string]any{"alg": "HS256", "kid": "rsa", "typ": "JWT"}) + "." + part(claims)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(body))
	return body + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func TestHostileTokens(t *testing.T) {
	i := newIssuer(t)
	other := newIssuer(t)
	der, err := x509.MarshalPKIXPublicKey(keys().rsa.Public())
	if err != nil {
		t.Fatal(err)
	}
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good := i.good(t, nil)
	parts := strings.Split(good, ".")
	own := map[string]any{"alg": "RS256", "jwk": jose.JSONWebKey{Key: keys().other.Public()}, "kid": "rsa"}
	embedded := part(own) + "." + part(i.claims(nil))
	sum := sha256.Sum256([]byte(embedded))
	sig, err := rsa.SignPKCS1v15(rand.Reader, keys().other, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"empty":                                 "",
		"no token":                              "hello",
		"unsigned":                              part(map[string]any{"alg": "none"}) + "." + parts[1] + ".",
		"unsigned, in capitals":                 part(map[string]any{"alg": "NONE"}) + "." + parts[1] + ".",
		"signature cut off":                     parts[0] + "." + parts[1] + ".",
		"signature of another":                  parts[0] + "." + parts[1] + "." + strings.Split(i.good(t, map[string]any{"jti": "2"}), ".")[2],
		"claims changed":                        parts[0] + "." + part(i.claims(map[string]any{"user_login": "root"})) + "." + parts[2],
		"public key as HMAC secret, DER":        confused(i.claims(nil), der),
		"public key as HMAC secret, PEM":        confused(i.claims(nil), asPEM),
		"public key as HMAC secret, modulus":    confused(i.claims(nil), keys().rsa.N.Bytes()),
		"a key of its own, in the header":       embedded + "." + base64.RawURLEncoding.EncodeToString(sig),
		"signed by another's key":               sign(t, jose.RS256, keys().other, "rsa", i.claims(nil)),
		"unknown key":                           sign(t, jose.RS256, keys().rsa, "who", i.claims(nil)),
		"no key named, and there are several":   sign(t, jose.RS256, keys().rsa, "", i.claims(nil)),
		"a key that is for encryption":          sign(t, jose.RS256, keys().other, "enc", i.claims(nil)),
		"another algorithm than the key is for": sign(t, jose.PS256, keys().rsa, "rsa", i.claims(nil)),
		"an elliptic key's name, RSA signature": sign(t, jose.RS256, keys().rsa, "ec", i.claims(nil)),
		"another issuer, same key":              i.good(t, map[string]any{"iss": other.URL}),
		"an issuer that begins like ours":       i.good(t, map[string]any{"iss": i.URL + ".example.com"}),
		"no issuer":                             i.good(t, map[string]any{"iss": nil}),
		"another audience":                      i.good(t, map[string]any{"aud": "vault"}),
		"no audience":                           i.good(t, map[string]any{"aud": nil}),
		"an audience that begins like ours":     i.good(t, map[string]any{"aud": "nines2"}),
		"expired":                               i.good(t, map[string]any{"exp": now.Add(-2 * time.Minute).Unix()}),
		"without an end":                        i.good(t, map[string]any{"exp": nil}),
		"without a beginning":                   i.good(t, map[string]any{"iat": nil}),
		"issued tomorrow":                       i.good(t, map[string]any{"iat": now.Add(24 * time.Hour).Unix()}),
		"not yet in force":                      i.good(t, map[string]any{"nbf": now.Add(time.Hour).Unix()}),
		"without a number":                      i.good(t, map[string]any{"jti": nil}),
		"times that are words":                  i.good(t, map[string]any{"exp": "soon"}),
		"too long":                              i.good(t, map[string]any{"x": strings.Repeat("x", 40<<10)}),
		"JSON serialization":                    `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"five parts":                            good + "." + parts[1] + "." + parts[2],
	} {
		t.Run(name, func(t *testing.T) {
			_, err := oidc.New(i.Client()).Verify(t.Context(), token, i.want())
			if fault.KindOf(err) != fault.Denied {
				t.Fatalf("want denied, got %v", err)
			}
			if len(token) > 40 && strings.Contains(err.Error(), token[:40]) {
				t.Errorf("the error quotes the token: %v", err)
			}
		})
	}
	if keys().weak != nil {
		if _, err := oidc.New(i.Client()).Verify(t.Context(), sign(t, jose.RS256, keys().weak, "weak", i.claims(nil)), i.want()); fault.KindOf(err) != fault.Denied {
			t.Errorf("a key of 1024 bits: %v", err)
		}
	}
}

// TestHostileIssuers checks what stands between us and keys of somebody else.
func TestHostileIssuers(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(i *issuer)
		kind   fault.Kind
	}{
		"calls itself somebody else": {func(i *issuer) { i.discovery["issuer"] = "https://example.com" }, fault.Denied},
		"keys on another host":       {func(i *issuer) { i.discovery["jwks_uri"] = "https://example.com/keys" }, fault.Denied},
		"keys without encryption":    {func(i *issuer) { i.discovery["jwks_uri"] = strings.Replace(i.URL, "https", "ftp", 1) + "/keys" }, fault.Denied},
		"no keys named":              {func(i *issuer) { delete(i.discovery, "jwks_uri") }, fault.Denied},
		"keys redirected":            {func(i *issuer) { i.discovery["jwks_uri"] = i.URL + "/elsewhere" }, fault.Unavailable},
		"keys without an end":        {func(i *issuer) { i.discovery["jwks_uri"] = i.URL + "/huge" }, fault.Unavailable},
		"keys not there":             {func(i *issuer) { i.discovery["jwks_uri"] = i.URL + "/nowhere" }, fault.Unavailable},
		"no key at all":              {func(i *issuer) { i.set.Keys = nil }, fault.Denied},
		"two keys of one name":       {func(i *issuer) { i.set.Keys = append(i.set.Keys, i.set.Keys[0]) }, fault.Denied},
		"away":                       {func(i *issuer) { i.Close() }, fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			tc.change(i)
			_, err := oidc.New(i.Client()).Verify(t.Context(), i.good(t, nil), i.want())
			if fault.KindOf(err) != tc.kind || err == nil {
				t.Errorf("want %v, got %v", tc.kind, err)
			}
		})
	}
	i := newIssuer(t)
	for _, bad := range []string{"", "gitlab.example.com", "http://gitlab.example.com", "https://u:p@gitlab.example.com", "https://gitlab.example.com/?x=1", ":"} {
		want := i.want()
		want.Issuer = bad
		if _, err := oidc.New(i.Client()).Verify(t.Context(), i.good(t, nil), want); fault.KindOf(err) != fault.Invalid {
			t.Errorf("issuer %q: %v", bad, err)
		}
	}
	want := i.want()
	want.Audience = ""
	if _, err := oidc.New(i.Client()).Verify(t.Context(), i.good(t, map[string]any{"aud": ""}), want); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no audience: %v", err)
	}
}

// TestNewKeys checks that a key that came since the last look is found, and one
// that went does not count for longer than an hour.
func TestNewKeys(t *testing.T) {
	i := newIssuer(t)
	v := oidc.New(i.Client())
	if _, err := v.Verify(t.Context(), i.good(t, nil), i.want()); err != nil {
		t.Fatal(err)
	}
	i.set.Keys = []jose.JSONWebKey{{Key: keys().other.Public(), KeyID: "new", Use: "sig"}}
	if _, err := v.Verify(t.Context(), sign(t, jose.RS256, keys().other, "new", i.claims(nil)), i.want()); err != nil {
		t.Errorf("a new key: %v", err)
	}
	if _, err := v.Verify(t.Context(), i.good(t, nil), i.want()); fault.KindOf(err) != fault.Denied {
		t.Errorf("a key that was withdrawn: %v", err)
	}
	i.set.Keys = nil
	want := i.want()
	want.Now = now.Add(61 * time.Minute)
	late := i.claims(map[string]any{"exp": now.Add(2 * time.Hour).Unix()})
	if _, err := v.Verify(t.Context(), sign(t, jose.RS256, keys().other, "new", late), want); fault.KindOf(err) != fault.Denied {
		t.Errorf("keys of an hour ago: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	i := newIssuer(f)
	v := oidc.New(i.Client())
	good := i.good(f, nil)
	for _, s := range []string{
		good, "", ".", "..", "...", "a.b.c", strings.ToUpper(good), good[:len(good)-2], "e30.e30.e30",
		part(map[string]any{"alg": "none"}) + ".e30.", part(map[string]any{"alg": "RS256", "crit": []string{"b64"}, "b64": false, "kid": "rsa"}) + ".e30.AA",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := v.Verify(t.Context(), s, i.want())
		if err == nil && strings.TrimSpace(s) != good {
			// Base 64 can spell the last bits of a signature in several ways.
			if a, b := strings.LastIndex(s, "."), strings.LastIndex(good, "."); a != b || s[:a] != good[:b] {
				t.Fatalf("%q is genuine? %+v", s, got)
			}
		}
	})
}
