package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"gitlab.com/nines-sre/nines/internal/fault"
)

const (
	maxDiscovery = 64 << 10
	maxKeys      = 1 << 20
	minRSA       = 2048 // bits; shorter keys can be computed
)

// key finds the issuer's key with an ID. A key nobody knows may be new: then
// the keys are fetched once more.
func (v *Verifier) key(ctx context.Context, want Expect, id string) (jose.JSONWebKey, error) {
	v.mu.Lock()
	set, ok := v.keys[want.Issuer]
	v.mu.Unlock()
	fresh := ok && want.Now.Before(set.fetched.Add(keysFor)) && !want.Now.Before(set.fetched)
	if fresh {
		if k, ok := pick(set.Keys, id); ok {
			return k, nil
		}
	}
	got, err := v.fetch(ctx, want.Issuer)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	v.mu.Lock()
	v.keys[want.Issuer] = keySet{got, want.Now}
	v.mu.Unlock()
	k, ok := pick(got.Keys, id)
	if !ok {
		return jose.JSONWebKey{}, denied(fmt.Sprintf("%s has no signing key %q", want.Issuer, id))
	}
	return k, nil
}

// pick chooses a key by its ID; without an ID only an only key will do.
func pick(keys []jose.JSONWebKey, id string) (jose.JSONWebKey, bool) {
	var found []jose.JSONWebKey
	for _, k := range keys {
		if (id == "" || k.KeyID == id) && signs(k) {
			found = append(found, k)
		}
	}
	if len(found) != 1 {
		return jose.JSONWebKey{}, false
	}
	return found[0], true
}

// signs says whether a key may vouch for a token: a public key, for
// signatures, long enough.
func signs(k jose.JSONWebKey) bool {
	if k.Use != "" && k.Use != "sig" || !k.Valid() {
		return false
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= minRSA
	case *ecdsa.PublicKey:
		return true
	default:
		return false
	}
}

// fetch reads an issuer's keys from where its discovery document says.
func (v *Verifier) fetch(ctx context.Context, issuer string) (jose.JSONWebKeySet, error) {
	op := "keys of " + issuer
	var discovery struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := v.get(ctx, op, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", maxDiscovery, &discovery); err != nil {
		return jose.JSONWebKeySet{}, err
	}
	if discovery.Issuer != issuer {
		return jose.JSONWebKeySet{}, fault.New(fault.Denied, op, fmt.Sprintf("who answers there calls itself %q", discovery.Issuer),
			"spell the issuer as it spells itself")
	}
	at, err := url.Parse(discovery.Keys)
	home, _ := url.Parse(issuer)
	if err != nil || !secure(at) || at.Host != home.Host {
		return jose.JSONWebKeySet{}, fault.New(fault.Denied, op, fmt.Sprintf("its keys are said to be at %q, which is not there", discovery.Keys), "")
	}
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := v.get(ctx, op, at.String(), maxKeys, &raw); err != nil {
		return jose.JSONWebKeySet{}, err
	}
	// A key of a kind nobody knows must not take the others with it.
	var set jose.JSONWebKeySet
	for _, data := range raw.Keys {
		var k jose.JSONWebKey
		if json.Unmarshal(data, &k) == nil {
			set.Keys = append(set.Keys, k)
		}
	}
	return set, nil
}

// get reads a JSON document of at most limit bytes.
func (v *Verifier) get(ctx context.Context, op, address string, limit int64, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return fault.Wrap(fault.Invalid, op, err, "")
	}
	res, err := v.client.Do(req)
	if err != nil {
		kind := fault.Unavailable
		if ctx.Err() != nil {
			kind = fault.Canceled
		}
		return &fault.Error{Op: op, Kind: kind, Err: err}
	}
	defer res.Body.Close() //nolint:errcheck // nothing was written
	if res.StatusCode != http.StatusOK {
		return fault.New(fault.Unavailable, op, fmt.Sprintf("%s answers %s", address, res.Status), "")
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	switch {
	case err != nil:
		return fault.Wrap(fault.Unavailable, op, err, "")
	case int64(len(body)) > limit:
		return fault.New(fault.Unavailable, op, fmt.Sprintf("%s answers with more than %d bytes", address, limit), "")
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fault.New(fault.Unavailable, op, address+" answers with no JSON: "+err.Error(), "")
	}
	return nil
}
