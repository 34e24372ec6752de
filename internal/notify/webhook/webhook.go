// Package webhook tells a web address: the message as JSON, or what a template
// makes of it. It is an adapter of notify.
package webhook

import (
	"context"
	"encoding/json"
	"net/http"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/webpost"
)

// Options are what a target may say of its messages.
type Options struct {
	// Template makes the body; "": the message as JSON, all fields of it.
	Template string
	// Type is the content type; "": application/json.
	Type string
	// Header goes along; what is in it may be a secret.
	Header http.Header
}

// Target posts to an address, which may be a secret: it stands in no error.
type Target struct {
	post *webpost.Poster
	opt  Options
	tmpl *notify.Template
}

// New returns a target. client should have a timeout.
func New(address string, client *http.Client, opt Options) (*Target, error) {
	var secrets []string
	for _, values := range opt.Header {
		secrets = append(secrets, values...)
	}
	post, err := webpost.New(address, client, secrets...)
	if err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	t := &Target{post: post, opt: opt}
	if opt.Template != "" {
		if t.tmpl, err = notify.ParseTemplate(opt.Template, opt.Type); err != nil {
			return nil, err //nolint:wrapcheck // says all there is to say
		}
	}
	return t, nil
}

// Send implements notify.Target.
func (t *Target) Send(ctx context.Context, m notify.Message) error {
	body, err := t.body(m)
	if err != nil {
		return fault.Wrap(fault.Internal, t.post.Op(), err, "")
	}
	_, err = t.post.Post(ctx, webpost.Call{Body: body, Type: t.opt.Type, Key: m.Key, Header: t.opt.Header})
	return err //nolint:wrapcheck // says all there is to say
}

func (t *Target) body(m notify.Message) ([]byte, error) {
	if t.tmpl == nil {
		return json.Marshal(m) //nolint:wrapcheck // wrapped by the caller
	}
	return t.tmpl.Make(m) //nolint:wrapcheck // wrapped by the caller
}
