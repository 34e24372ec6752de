package web

import (
	"io"
	"net/http"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/fault"
)

// Admin switches faults: GET, PUT (FAULT's words in the body) and DELETE /fault.
// Whoever reaches it may break the service: it belongs on an address of its own
// that only this machine reaches.
func Admin(faults *fault.Switch) http.Handler {
	mux := http.NewServeMux()
	show := func(w http.ResponseWriter) {
		write(w, http.StatusOK, map[string]string{"fault": faults.Plan().String()})
	}
	mux.HandleFunc("GET /fault", func(w http.ResponseWriter, _ *http.Request) { show(w) })
	mux.HandleFunc("PUT /fault", func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<10))
		if err != nil {
			write(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		plan, err := fault.Parse(string(text))
		if err != nil {
			write(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		faults.Set(plan)
		show(w)
	})
	mux.HandleFunc("DELETE /fault", func(w http.ResponseWriter, _ *http.Request) {
		faults.Set(nil)
		show(w)
	})
	return mux
}
