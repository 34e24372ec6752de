package gitlabapi

import (
	"context"
	"fmt"
	"net/http"
)

// Job returns a job. A job's own token may not ask.
func (c *Client) Job(ctx context.Context, id int64) (j Job, err error) {
	_, err = c.do(ctx, call{method: http.MethodGet, path: fmt.Sprintf("jobs/%d", id)}, &j)
	return j, err
}

// RetryJob runs a job again, as a new one, which it returns. A job's own token
// may not do so. It is not repeated where the answer is lost.
func (c *Client) RetryJob(ctx context.Context, id int64) (j Job, err error) {
	_, err = c.do(ctx, call{method: http.MethodPost, path: fmt.Sprintf("jobs/%d/retry", id)}, &j)
	return j, err
}

// FreezePeriod is a window in which nothing is deployed: from each time that
// Start fits to the next that End fits. Both are cron expressions in Zone.
type FreezePeriod struct {
	ID    int64  `json:"id"`
	Start string `json:"freeze_start"`
	End   string `json:"freeze_end"`
	Zone  string `json:"cron_timezone"`
}

// FreezePeriods returns the project's windows, oldest first. A job's own token
// may not ask.
func (c *Client) FreezePeriods(ctx context.Context) (out []FreezePeriod, err error) {
	err = pages(ctx, c, "freeze_periods", nil, gather(&out))
	return out, err
}
