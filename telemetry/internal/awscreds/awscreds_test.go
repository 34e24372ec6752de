package awscreds_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/awscreds"
)

const answer = `{"Code":"Success","AccessKeyId":"AK","SecretAccessKey":"SK","Token":"TK","Expiration":"2030-01-02T03:04:05Z"}`

var want = awscreds.Credentials{AccessKeyID: "AK", SecretAccessKey: "SK", SessionToken: "TK", Expires: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}

func chain(env map[string]string) *awscreds.Chain {
	return &awscreds.Chain{Getenv: func(n string) string { return env[n] }}
}

func TestEnvironment(t *testing.T) {
	c := chain(map[string]string{"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S", "AWS_SESSION_TOKEN": "T", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/"})
	got, err := c.Fetch(t.Context())
	if err != nil || got != (awscreds.Credentials{AccessKeyID: "A", SecretAccessKey: "S", SessionToken: "T"}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestContainer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Basic abc" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(answer))
	}))
	defer s.Close()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("Basic abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, env := range map[string]map[string]string{
		"a token file wins":      {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "x"},
		"a token of environment": {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic abc"},
	} {
		env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = s.URL + "/creds"
		if got, err := chain(env).Fetch(t.Context()); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	// ECS's relative address is one of its own host.
	c := chain(map[string]string{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1"})
	c.Client = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		if r.URL.String() != "http://169.254.170.2/v2/credentials/1" {
			t.Errorf("asks %s", r.URL)
		}
		w := httptest.NewRecorder()
		_, _ = w.WriteString(answer)
		return w.Result(), nil
	})}
	if got, err := c.Fetch(t.Context()); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestContainerThatIsNone(t *testing.T) {
	for _, uri := range []string{"http://example.com/", "http://10.0.0.1/", "ftp://127.0.0.1/", "://", "http://169.254.170.2.example.com/"} {
		if _, err := chain(map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": uri}).Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "FULL_URI") {
			t.Errorf("%s: %v", uri, err)
		}
	}
	for _, body := range []string{"", "{}", "<html>", `{"Code":"Failed","Message":"no role"}`, `{"AccessKeyId":"A"}`} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(body))
		}))
		if got, err := chain(map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": s.URL}).Fetch(t.Context()); err == nil {
			t.Errorf("%q gives %+v", body, got)
		}
		s.Close()
	}
	env := map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\r\nb: c"}
	if _, err := chain(env).Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "line break") {
		t.Error(err)
	}
	env = map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/none"}
	if _, err := chain(env).Fetch(t.Context()); err == nil {
		t.Error("a token file that is not there is taken")
	}
}

// instance answers as the metadata service of EC2, version 2.
func instance(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /latest/api/token", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = w.Write([]byte("tok"))
	})
	for path, body := range map[string]string{
		"/latest/meta-data/iam/security-credentials/{$}": "my-role", "/latest/meta-data/iam/security-credentials/my-role": answer,
		"/latest/meta-data/placement/region": "eu-central-1",
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Aws-Ec2-Metadata-Token") != "tok" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			_, _ = w.Write([]byte(body))
		})
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestInstance(t *testing.T) {
	s := instance(t)
	c := chain(map[string]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT": s.URL + "/"})
	if got, err := c.Fetch(t.Context()); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := c.Region(t.Context()); err != nil || got != "eu-central-1" {
		t.Errorf("%q, %v", got, err)
	}
	c = chain(map[string]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT": s.URL, "AWS_EC2_METADATA_DISABLED": "TRUE"})
	if _, err := c.Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "AWS_EC2_METADATA_DISABLED") {
		t.Error(err)
	}
}

func TestCache(t *testing.T) {
	now := time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC)
	calls := 0
	var fail error
	c := awscreds.Cache{Now: func() time.Time { return now }, Fetch: func(context.Context) (awscreds.Credentials, error) {
		calls++
		if fail != nil {
			return awscreds.Credentials{}, fail
		}
		return awscreds.Credentials{AccessKeyID: "A", Expires: now.Add(time.Hour)}, nil
	}}
	step := func(d time.Duration, wantCalls int, ok bool) {
		t.Helper()
		now = now.Add(d)
		got, err := c.Get(t.Context())
		if (err == nil) != ok || ok && got.AccessKeyID != "A" || calls != wantCalls {
			t.Fatalf("%v, %v after %d calls; want ok=%t after %d", got, err, calls, ok, wantCalls)
		}
	}
	step(0, 1, true)
	step(54*time.Minute, 1, true)  // more than five minutes are left
	step(2*time.Minute, 2, true)   // fewer: fetched before they expire
	fail = errors.New("down")      //
	step(57*time.Minute, 3, true)  // a refresh that fails does no harm yet
	step(time.Second, 3, true)     // and is not repeated at once
	step(10*time.Second, 4, true)  // but soon
	step(10*time.Minute, 5, false) // until they have expired
	step(time.Second, 5, false)
	fail = nil
	step(time.Minute, 6, true)
	c.Forget()
	step(0, 7, true)
}

func TestCacheOfManyCallers(t *testing.T) {
	calls := 0
	c := awscreds.Cache{Now: time.Now, Fetch: func(context.Context) (awscreds.Credentials, error) {
		calls++ // one at a time, or the race detector says so
		return awscreds.Credentials{AccessKeyID: "A"}, nil
	}}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.Get(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if calls != 1 {
		t.Errorf("%d fetches", calls)
	}
}
