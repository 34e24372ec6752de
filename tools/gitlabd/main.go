// Command gitlabd runs a local GitLab for pipelines on a laptop: the part of the
// API that the gate asks, an issuer of identity tokens, the project's
// repository over HTTP. It listens on loopback only.
//
//	go run ./tools/gitlabd -state state.json -listen 127.0.0.1:8480
//
// It prints its address. Two calls are its own:
//
//	POST /-/token   issues a job's identity token now; claims as parameters,
//	                "at" (RFC 3339) and "for" (a length) for when it is issued
//	                and how long it holds; an empty claim is left out
//	GET, PUT /-/state  what it knows
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"gitlab.com/nines-sre/nines/internal/gitlabd"
)

func main() {
	state := flag.String("state", "", "a JSON file of what it knows")
	listen := flag.String("listen", "127.0.0.1:0", "where it listens; loopback only")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *state, *listen); err != nil {
		fmt.Fprintln(os.Stderr, "gitlabd:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be stopped
	}
}

func run(ctx context.Context, file, listen string) error {
	var state gitlabd.State
	if file != "" {
		data, err := os.ReadFile(file) //nolint:gosec // the file is the user's choice
		if err != nil {
			return fmt.Errorf("read the state: %w", err)
		}
		if err := json.Unmarshal(data, &state); err != nil {
			return fmt.Errorf("read the state in %s: %w", file, err)
		}
	}
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("-listen: %w", err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return errors.New("-listen: it is no GitLab for others; name a loopback address")
	}
	d, err := gitlabd.New(state)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	address := "http://" + l.Addr().String()
	d.SetURL(address)
	fmt.Println(address)
	s := &http.Server{Handler: control(d), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = s.Close()
	}()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// control adds the server's own calls.
func control(d *gitlabd.Server) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", d)
	mux.HandleFunc("POST /-/token", func(w http.ResponseWriter, r *http.Request) {
		text, err := token(d, r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, text+"\n")
	})
	mux.HandleFunc("GET /-/state", func(w http.ResponseWriter, _ *http.Request) {
		d.Update(func(s *gitlabd.State) { _ = json.NewEncoder(w).Encode(s) })
	})
	mux.HandleFunc("PUT /-/state", func(w http.ResponseWriter, r *http.Request) {
		var state gitlabd.State
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&state); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		d.Update(func(s *gitlabd.State) { *s = state })
	})
	return mux
}

func token(d *gitlabd.Server, r *http.Request) (string, error) {
	at, claims := time.Now(), map[string]any{}
	for name, values := range r.URL.Query() {
		switch v := values[0]; name {
		case "at":
			t, err := time.Parse(time.RFC3339, v)
			if err != nil {
				return "", fmt.Errorf("at: %w", err)
			}
			at = t
		case "for":
			length, err := time.ParseDuration(v)
			if err != nil {
				return "", fmt.Errorf("for: %w", err)
			}
			claims["exp"] = length
		case "":
		default:
			claims[name] = v
			if v == "" {
				claims[name] = nil
			}
		}
	}
	if length, ok := claims["exp"].(time.Duration); ok {
		claims["exp"] = at.Add(length).Unix()
	}
	text, err := d.Token(at, claims)
	if err != nil {
		return "", fmt.Errorf("issue: %w", err)
	}
	return text, nil
}
