package front

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// Do is what `payment-api split` does for nines: it prints how the traffic lies,
// or moves it as the environment says (NINES_STABLE, NINES_CANARY, NINES_SHARE), from the
// revision that was decided on (NINES_FROM_REVISION).
func Do(ctx context.Context, url string, getenv func(string) string, out io.Writer) error {
	if getenv("NINES_VERB") == "read" || getenv("NINES_VERB") == "" {
		return ask(ctx, http.MethodGet, url, nil, out)
	}
	want := Split{Stable: getenv("NINES_STABLE"), Canary: getenv("NINES_CANARY"), Revision: getenv("NINES_FROM_REVISION")}
	if share := getenv("NINES_SHARE"); share != "" {
		var err error
		if want.Weight, err = strconv.ParseFloat(share, 64); err != nil {
			return fmt.Errorf("NINES_SHARE %q is no number", share)
		}
	}
	body, err := json.Marshal(want)
	if err != nil {
		return err
	}
	return ask(ctx, http.MethodPut, url, body, out)
}

func ask(ctx context.Context, method, url string, body []byte, out io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, method, url+"/split", bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<12))
	if err != nil || res.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("%s %s: %s: %s", method, url, res.Status, bytes.TrimSpace(text)), err)
	}
	_, err = out.Write(text)
	return err
}
