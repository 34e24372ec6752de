// Package smtpd runs a mail server for a test: aiosmtpd, which is not ours.
package smtpd

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Python names the interpreter that has aiosmtpd; tools/foreign.sh sets it.
const Python = "NINES_PYTHON"

//go:embed smtpd.py
var program string

// Mode is how a server speaks.
type Mode string

// The modes.
const (
	Plain    Mode = "plain"
	StartTLS Mode = "starttls" // says nothing before it
	TLS      Mode = "tls"      // from the first byte
)

// Mail is what was taken.
type Mail struct {
	From string
	To   []string
	TLS  bool
	User string
	Data []byte
}

// Server is a running one.
type Server struct {
	Addr string      // 127.0.0.1:PORT
	TLS  *tls.Config // what trusts its certificate

	t     testing.TB
	in    io.WriteCloser
	mu    sync.Mutex
	mails []Mail
	said  chan struct{}
}

// Start runs a server until the test ends; with a user it takes mail of nobody
// else. Without NINES_PYTHON the test is skipped.
func Start(t testing.TB, mode Mode, user, password string) *Server {
	t.Helper()
	python := os.Getenv(Python)
	if python == "" {
		t.Skip(Python + " names no Python with aiosmtpd; `make test` installs one and sets it")
	}
	s := &Server{Addr: freePort(t), t: t, said: make(chan struct{}, 1)}
	cert, key := "-", "-"
	if mode != Plain {
		cert, key = s.certificate(t)
	}
	if user == "" {
		user = "-"
	}
	_, port, _ := net.SplitHostPort(s.Addr)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))                                       // it outlasts the test's own by its cleanup
	cmd := exec.CommandContext(ctx, python, "-u", "-c", program, string(mode), cert, key, user, password, port) //nolint:gosec // the test's own interpreter
	out, err := cmd.StdoutPipe()
	if err == nil {
		s.in, err = cmd.StdinPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	var ended sync.WaitGroup
	ended.Go(func() { s.read(out) })
	t.Cleanup(func() {
		_ = s.in.Close()
		cancel()
		ended.Wait()
		_ = cmd.Wait()
	})
	s.wait()
	return s
}

// freePort is one that was free a moment ago: the program names none itself.
func freePort(t testing.TB) string {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it was only asked for a number
	return l.Addr().String()
}

func (s *Server) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	const longest = 4 << 20
	lines.Buffer(nil, longest)
	for lines.Scan() {
		var m Mail
		if json.Unmarshal(lines.Bytes(), &m) == nil && m.From != "" {
			s.mu.Lock()
			s.mails = append(s.mails, m)
			s.mu.Unlock()
			continue
		}
		s.said <- struct{}{}
	}
	close(s.said)
}

func (s *Server) wait() {
	const startsIn = 30 * time.Second
	select {
	case _, ok := <-s.said:
		if !ok {
			s.t.Fatal("the mail server ended")
		}
	case <-time.After(startsIn):
		s.t.Fatal("the mail server says nothing")
	}
}

// Answer makes it answer every mail so; "" takes them.
func (s *Server) Answer(line string) {
	if _, err := io.WriteString(s.in, line+"\n"); err != nil {
		s.t.Fatal(err)
	}
	s.wait()
}

// Mails are those that were taken. A mail is printed before it is answered, so
// this is given as long as it takes to read n of them.
func (s *Server) Mails(n int) []Mail {
	const patience = 5000 // milliseconds
	for i := 0; ; i++ {
		s.mu.Lock()
		got := append([]Mail(nil), s.mails...)
		s.mu.Unlock()
		if len(got) >= n || i == patience {
			return got
		}
		time.Sleep(time.Millisecond)
	}
}

// certificate makes one for 127.0.0.1.
func (s *Server) certificate(t testing.TB) (cert, key string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	pool.AppendCertsFromPEM(public)
	s.TLS = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	const mine = 0o600
	for path, data := range map[string][]byte{cert: public, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(path, data, mine); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
