package gitlabd

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// issuer signs identity tokens.
type issuer struct {
	key    *rsa.PrivateKey
	signer jose.Signer
}

const keyID = "gitlabd"

func newIssuer() (*issuer, error) {
	const bits = 2048
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	opt := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", keyID)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, opt)
	if err != nil {
		return nil, fmt.Errorf("make a signer: %w", err)
	}
	return &issuer{key, signer}, nil
}

func (s *Server) discovery(w http.ResponseWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer(w, http.StatusOK, object{
		"issuer": s.url, "jwks_uri": s.url + "/oauth/discovery/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
	})
}

func (s *Server) keys(w http.ResponseWriter) {
	s.mu.Lock()
	gone := s.state.NoKeys
	s.mu.Unlock()
	if gone {
		fail(w, http.StatusBadGateway, "502 Bad Gateway")
		return
	}
	i, err := s.issuer()
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	answer(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: keyID, Use: "sig", Algorithm: "RS256"}}})
}

// Token signs the identity token of a job that ada, a maintainer, runs on main
// to production, issued at an instant, for an hour. change sets other claims; a
// nil value leaves one out.
func (s *Server) Token(at time.Time, change map[string]any) (string, error) {
	s.mu.Lock()
	url, project, id := s.url, s.state.Project, s.state.ProjectID
	s.mu.Unlock()
	claims := object{
		"iss": url, "aud": "nines", "sub": "project_path:" + project + ":ref_type:branch:ref:main", "jti": rand.Text(),
		"iat": at.Unix(), "nbf": at.Add(-5 * time.Second).Unix(), "exp": at.Add(time.Hour).Unix(),
		"namespace_id": "72", "namespace_path": "shop", "project_id": strconv.FormatInt(id, 10), "project_path": project,
		"user_id": "1", "user_login": "ada", "user_email": "ada@example.com", "user_access_level": "maintainer",
		"pipeline_id": "574", "pipeline_source": "push", "job_id": "302", "ref": "main", "ref_type": "branch", "ref_path": "refs/heads/main",
		"ref_protected": "true", "environment": "production", "environment_protected": "true", "deployment_tier": "production",
		"runner_id": 1, "runner_environment": "self-hosted", "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
	}
	maps.Copy(claims, change)
	for k, v := range claims {
		if v == nil {
			delete(claims, k)
		}
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("write claims: %w", err)
	}
	i, err := s.issuer()
	if err != nil {
		return "", err
	}
	signed, err := i.signer.Sign(body)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return text, nil
}
