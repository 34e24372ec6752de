package gitlabapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// incident is the type of issue that stands on the page of incidents.
const incident = "incident"

// ReportIncident opens the incident with exactly this title and label, or writes the
// text under the one that is open, and returns it.
func (c *Client) ReportIncident(ctx context.Context, label, title, text string) (i Issue, err error) {
	i, found, err := c.OpenIncident(ctx, label, title)
	if err != nil {
		return i, err
	}
	if found {
		_, err = c.AddIssueNote(ctx, i.IID, text)
		return i, err
	}
	body := map[string]string{"title": title, "description": text, "labels": label, "issue_type": incident}
	_, err = c.do(ctx, call{method: http.MethodPost, path: "issues", body: body}, &i)
	return i, err
}

// OpenIncident returns the open incident with exactly this title and label; ok is
// false where there is none.
func (c *Client) OpenIncident(ctx context.Context, label, title string) (i Issue, ok bool, err error) {
	q := url.Values{"state": {"opened"}, "labels": {label}, "search": {title}, "in": {"title"}, "issue_type": {incident}}
	err = pages(ctx, c, "issues", q, func(got Issue) bool {
		if got.Title == title {
			i, ok = got, true
		}
		return !ok
	})
	return i, ok, err
}

// CloseIncident writes a text under an incident and closes it.
func (c *Client) CloseIncident(ctx context.Context, iid int64, text string) (i Issue, err error) {
	if _, err = c.AddIssueNote(ctx, iid, text); err != nil {
		return i, err
	}
	_, err = c.do(ctx, call{method: http.MethodPut, path: fmt.Sprintf("issues/%d", iid), body: map[string]string{"state_event": "close"}}, &i)
	return i, err
}
