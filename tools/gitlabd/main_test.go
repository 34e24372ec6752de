package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/gitlabd"
)

func TestControl(t *testing.T) {
	d, err := gitlabd.New(gitlabd.State{Project: "shop/pay"})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(control(d))
	defer s.Close()
	d.SetURL(s.URL)
	ask := func(method, path, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		data, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(data)
	}
	if code, text := ask("POST", "/-/token?user_login=dev&for=5m&at=2026-01-02T03:04:05Z", ""); code != 200 || strings.Count(text, ".") != 2 {
		t.Errorf("%d %s", code, text)
	}
	if code, _ := ask("POST", "/-/token?at=soon", ""); code != 400 {
		t.Error(code)
	}
	if code, _ := ask("PUT", "/-/state", `{"project":"shop/other"}`); code != 200 {
		t.Error(code)
	}
	if code, text := ask("GET", "/-/state", ""); code != 200 || !strings.Contains(text, "shop/other") {
		t.Errorf("%d %s", code, text)
	}
	if err := run(t.Context(), "", "0.0.0.0:0"); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("it listens for everybody: %v", err)
	}
}
