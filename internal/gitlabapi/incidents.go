package gitlabapi

import (
	"context"
	"net/http"
	"net/url"
)

// incident is the type of issue that stands on the page of incidents.
const incident = "incident"

// ReportIncident opens the incident with exactly this title and label, or writes the
// text under the one that is open, and returns it.
func (c *Client) ReportIncident(ctx context.Context, label, title, text string) (i Issue, err error) {
	found := false
	q := url.Values{"state": {"opened"}, "labels": {label}, "search": {title}, "in": {"title"}, "issue_type": {incident}}
	err = pages(ctx, c, "issues", q, func(got Issue) bool {
		if got.Title == title {
			i, found = got, true
		}
		return !found
	})
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
