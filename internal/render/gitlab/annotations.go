package gitlab

import (
	"encoding/json"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/render"
)

// link is an annotation of a job as GitLab reads it: it knows no other kind.
type link struct {
	External struct {
		Label string `json:"label"`
		URL   string `json:"url"`
	} `json:"external_link"`
}

// Links are what GitLab shows beside a job, under a heading.
type Links struct {
	Heading string
	Links   []Link
}

// Link is one of them. Without an address there is nothing to link to, and it is
// left out.
type Link struct{ Label, URL string }

// Annotations prints links as a job's annotations
// (artifacts:reports:annotations).
func Annotations(l Links) ([]byte, error) {
	const most = 255 // letters of a label
	links := []link{}
	for _, one := range l.Links {
		if one.URL == "" {
			continue
		}
		var out link
		letters := []rune(oneLine(one.Label))
		if len(letters) > most {
			letters = append(letters[:most-1], '…')
		}
		out.External.Label, out.External.URL = string(letters), one.URL
		links = append(links, out)
	}
	out, err := json.MarshalIndent(map[string][]link{l.Heading: links}, "", "  ")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "print annotations", err, "")
	}
	return append(out, '\n'), nil
}

// Links are the verdict and each reason, linked to the job whose log has all of
// it.
func (a Answer) Links() Links {
	_, says := headline(a.Decision.Verdict)
	out := Links{"nines gate", []Link{{a.Decision.Subject + " " + says, a.JobURL}}}
	for _, r := range a.Decision.Reasons {
		out.Links = append(out.Links, Link{r.Text, a.JobURL})
	}
	return out
}

// RolloutLinks are a rollout's: the verdict and each reason, linked to the job,
// and the incident.
func RolloutLinks(r *render.Rollout) Links {
	_, says := rolloutHeadline(r)
	out := Links{"nines " + r.Verb, []Link{{r.Service + " " + says, r.JobURL}}}
	for _, reason := range r.Decision.Reasons {
		out.Links = append(out.Links, Link{reason.Text, r.JobURL})
	}
	out.Links = append(out.Links, Link{"the incident", r.Incident})
	return out
}
