package cardnet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/payment"
)

// Path is where the network's server takes questions.
const Path = "/authorize"

// maxAnswer is the most bytes that an answer of the network may have.
const maxAnswer = 4 << 10

// Handler serves the network over HTTP.
func Handler(n payment.Network) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+Path, func(w http.ResponseWriter, r *http.Request) {
		var asked payment.Request
		if err := json.NewDecoder(io.LimitReader(r.Body, payment.MaxBody)).Decode(&asked); err != nil {
			write(w, http.StatusBadRequest, map[string]string{"error": "no request"})
			return
		}
		approval, err := n.Authorize(r.Context(), asked)
		if err != nil {
			write(w, http.StatusServiceUnavailable, map[string]string{"error": err.Error()})
			return
		}
		write(w, http.StatusOK, approval)
	})
	return mux
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}

// Client asks a network over HTTP. It implements payment.Network.
type Client struct {
	url     string
	http    *http.Client
	patient time.Duration
}

// Dial returns a client of the network at base, a URL, that waits so long for an
// answer. Requests go out by rt: there they are traced.
func Dial(base string, rt http.RoundTripper, patient time.Duration) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is no address of a card network: want a URL, as in https://cards.example.com", base)
	}
	return &Client{u.JoinPath(Path).String(), &http.Client{Transport: rt}, patient}, nil
}

// Authorize implements payment.Network.
func (c *Client) Authorize(ctx context.Context, r payment.Request) (payment.Approval, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return payment.Approval{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.patient)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body)) //nolint:gosec // the address is configured
	if err != nil {
		return payment.Approval{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req) //nolint:gosec // as above
	if err != nil {
		return payment.Approval{}, err
	}
	defer res.Body.Close() //nolint:errcheck // it was read as far as it is wanted
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return payment.Approval{}, err
	}
	if res.StatusCode != http.StatusOK {
		return payment.Approval{}, fmt.Errorf("it answers %s", res.Status)
	}
	var a payment.Approval
	if err := json.Unmarshal(text, &a); err != nil || a.Code == "" {
		return payment.Approval{}, errors.New("its answer is not understood")
	}
	return a, nil
}
