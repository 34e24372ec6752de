package moto_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/testkit/moto"
)

// Two servers at once, each on a port of its own, answer STS.
func TestStart(t *testing.T) {
	first, second := moto.Start(t), moto.Start(t)
	if first == second {
		t.Fatalf("both are at %s", first)
	}
	for _, url := range []string{first, second} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("Action=GetCallerIdentity&Version=2011-06-15"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260302/eu-west-1/sts/aws4_request, SignedHeaders=host, Signature=0")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), "<Account>123456789012</Account>") {
			t.Errorf("%s: %s %v\n%s", url, res.Status, err, body)
		}
	}
}

// An interpreter without moto fails the test by name; it does not skip it.
func TestWithoutMoto(t *testing.T) {
	t.Setenv(moto.Python, "/bin/false")
	probe := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		moto.Start(probe)
	}()
	<-done
	if !strings.Contains(probe.fatal, "moto ended before it listened") {
		t.Errorf("it says %q", probe.fatal)
	}
}

// recorder is a test whose failure is what is tested.
type recorder struct {
	testing.TB
	fatal string
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.fatal = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
