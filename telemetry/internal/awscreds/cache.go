// Package awscreds finds the credentials of the process where AWS puts them: the
// environment, the endpoint of a container, the instance's metadata. Nothing is
// asked before they are needed.
package awscreds

import (
	"context"
	"sync"
	"time"
)

// Credentials are keys to AWS. Expires is zero when they do not, as far as is known.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Expires                                    time.Time
}

// Func fetches credentials.
type Func func(ctx context.Context) (Credentials, error)

const (
	// early is how long before their end credentials are fetched anew.
	early = 5 * time.Minute
	// again is how long a fetch that failed is not repeated.
	again = 5 * time.Second
)

// Cache remembers credentials until shortly before they expire. Its methods may be
// called from any number of goroutines; one of them fetches.
type Cache struct {
	Fetch Func
	Now   func() time.Time

	mu     sync.Mutex
	have   bool
	creds  Credentials
	err    error     // of the last fetch
	failed time.Time // when that was
}

// Get returns credentials that are valid now. A fetch that fails does no harm while
// those that are known have not expired.
func (c *Cache) Get(ctx context.Context) (Credentials, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.Now()
	if c.have && (c.creds.Expires.IsZero() || now.Before(c.creds.Expires.Add(-early))) {
		return c.creds, nil
	}
	usable := c.have && now.Before(c.creds.Expires)
	if c.err != nil && now.Sub(c.failed) < again && now.Sub(c.failed) >= 0 {
		if usable {
			return c.creds, nil
		}
		return Credentials{}, c.err
	}
	got, err := c.Fetch(ctx)
	if err == nil {
		c.have, c.creds, c.err = true, got, nil
		return got, nil
	}
	if ctx.Err() == nil {
		c.err, c.failed = err, now // a caller without time says nothing about the source
	}
	if usable {
		return c.creds, nil
	}
	return Credentials{}, err
}

// Forget drops what is known: AWS has refused it.
func (c *Cache) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.have, c.creds = false, Credentials{}
}
