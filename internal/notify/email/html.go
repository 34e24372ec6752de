package email

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"sync"

	"github.com/wneessen/go-mail/log"

	"gitlab.com/nines-sre/nines/internal/notify"
)

// page is plain on purpose: clients of mail know little, and what is foreign in
// it is escaped by html/template.
const page = `<!doctype html>
<html lang="en"><body style="margin:0;padding:16px;font:15px/1.5 -apple-system,'Segoe UI',Roboto,sans-serif;color:#1b1f24;background:#ffffff">
<h1 style="font-size:18px;margin:0 0 12px;padding-left:10px;border-left:4px solid {{.Color}}">{{.M.Title}}</h1>
<ul style="margin:0 0 16px;padding-left:20px">
{{range .M.Lines}}<li>{{.}}</li>
{{end}}</ul>
{{with .M.Chart}}{{if .PNG}}<p><img src="cid:chart.png" alt="{{.Alt}}" style="max-width:100%;border:1px solid #d0d7de"></p>
{{end}}{{end}}{{with .M.URL}}<p><a href="{{.}}">{{.}}</a></p>
{{end}}</body></html>
`

func html(m *notify.Message) (string, error) {
	tmpl, err := template.New("mail").Parse(page)
	if err != nil {
		return "", err //nolint:wrapcheck // wrapped by the caller
	}
	color := "#b26a00"
	switch {
	case m.Ends():
		color = "#2e7d32"
	case m.Alert != nil && m.Alert.Severity == notify.Page:
		color = "#c62828"
	}
	var b strings.Builder
	err = tmpl.Execute(&b, struct {
		M     *notify.Message
		Color template.CSS
	}{m, template.CSS(color)}) //nolint:gosec // one of three words above
	return b.String(), err
}

// dialogue keeps what a server and a client said to each other. What
// authenticates is not logged by the library.
type dialogue struct {
	mu    sync.Mutex
	lines strings.Builder
	no    int // the first code by which the server refused something
}

func (d *dialogue) line(l log.Log) {
	d.mu.Lock()
	defer d.mu.Unlock()
	who := "< "
	if l.Direction == log.DirClientToServer {
		who = "> "
	}
	text := fmt.Sprintf(l.Format, l.Messages...)
	d.lines.WriteString(who + text + "\n")
	const refusals = 400
	if code, _, _ := strings.Cut(text, " "); who == "< " && d.no == 0 {
		if n, err := strconv.Atoi(code); err == nil && n >= refusals {
			d.no = n
		}
	}
}

// said is all of it, and the first refusal.
func (d *dialogue) said() (text string, no int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lines.String(), d.no
}

// Debugf implements log.Logger.
func (d *dialogue) Debugf(l log.Log) { d.line(l) }

// Infof implements log.Logger.
func (d *dialogue) Infof(l log.Log) { d.line(l) }

// Warnf implements log.Logger.
func (d *dialogue) Warnf(l log.Log) { d.line(l) }

// Errorf implements log.Logger.
func (d *dialogue) Errorf(l log.Log) { d.line(l) }
