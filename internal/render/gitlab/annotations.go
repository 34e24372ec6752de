package gitlab

import (
	"encoding/json"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// link is an annotation of a job as GitLab reads it: it knows no other kind.
type link struct {
	External struct {
		Label string `json:"label"`
		URL   string `json:"url"`
	} `json:"external_link"`
}

// Annotations returns the answer as a job's annotations
// (artifacts:reports:annotations): the verdict and each reason, linked to the
// job whose log has all of it. Without an address there is nothing to link to,
// and the list is empty.
func Annotations(a Answer) ([]byte, error) {
	const most = 255 // letters of a label
	links := []link{}
	add := func(text string) {
		if a.JobURL == "" {
			return
		}
		var l link
		letters := []rune(oneLine(text))
		if len(letters) > most {
			letters = append(letters[:most-1], '…')
		}
		l.External.Label, l.External.URL = string(letters), a.JobURL
		links = append(links, l)
	}
	_, says := headline(a.Decision.Verdict)
	add(a.Decision.Subject + " " + says)
	for _, r := range a.Decision.Reasons {
		add(r.Text)
	}
	out, err := json.MarshalIndent(map[string][]link{"nines gate": links}, "", "  ")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "print annotations", err, "")
	}
	return append(out, '\n'), nil
}
