package config

import (
	"bytes"
	"path/filepath"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// version is the apiVersion of our own kinds.
const version = "nines/v1"

// loader gathers documents, then resolves them together.
type loader struct {
	opt    Options
	report *openslo.Report
	shapes *openslo.Shapes
	ours   *ninesShapes
	count  int // documents that are ours

	names      map[string]fault.Place // "SLO payment-api/availability" -> where
	services   []*openslo.Service
	sources    map[string]*openslo.DataSource
	slis       map[string]*openslo.SLI
	conditions map[string]*openslo.AlertCondition
	targets    map[string]*openslo.AlertNotificationTarget
	policies   map[string]*openslo.AlertPolicy
	slos       []*openslo.SLO
	order      []string // of data sources and policies, by kind and name, as written

	read  []parsed // files whose documents are not taken in yet
	tiers tiers
	// untiered says that no file holds a tier: each is taken in as it is read, and
	// its trees are let go.
	untiered bool

	gates      []*gateDoc
	exclusions []*exclusionDoc
	rollouts   []*rolloutDoc
	settings   *openslo.Node

	cat *Catalog
	res resolution
}

func newLoader(opt Options) *loader {
	shapes := openslo.NewShapes()
	return &loader{
		opt: opt, report: &openslo.Report{Strict: opt.Strict}, shapes: shapes, ours: newNinesShapes(shapes),
		names: map[string]fault.Place{}, sources: map[string]*openslo.DataSource{}, slis: map[string]*openslo.SLI{},
		conditions: map[string]*openslo.AlertCondition{}, targets: map[string]*openslo.AlertNotificationTarget{},
		policies: map[string]*openslo.AlertPolicy{}, cat: &Catalog{}, res: newResolution(), tiers: newTiers(),
	}
}

// file reads the documents of one file. Unless the file was named, what is not
// ours is passed over.
func (l *loader) file(f File, named bool) {
	if !named && !maybeOurs(f.Data) {
		return
	}
	docs, problems := openslo.Read(f.Name, f.Data)
	if len(problems) > 0 && (named || surelyOurs(f.Data)) {
		l.report.Problems = append(l.report.Problems, problems...)
	}
	p := parsed{name: f.Name}
	for _, n := range docs {
		if !named && foreign(n) {
			continue
		}
		l.count++
		p.docs = append(p.docs, n)
		if !l.untiered {
			l.tiers.note(n, l.ours)
		}
	}
	if len(p.docs) > 0 {
		l.cat.Files = append(l.cat.Files, f.Name)
		l.read = append(l.read, p)
	}
	if l.untiered {
		l.take()
	}
}

// mayTier says whether bytes could hold a document of kind Tier, cheaply.
func mayTier(data []byte) bool { return bytes.Contains(data, []byte("Tier")) }

// parsed is a file whose documents are ours.
type parsed struct {
	name string
	docs []*openslo.Node
}

// take takes the documents in, once all of them were read: what a tier says
// holds for documents of other files too.
func (l *loader) take() {
	for _, p := range l.read {
		before := len(l.report.Problems)
		for _, n := range p.docs {
			l.document(n)
		}
		l.clip(p.name, before)
	}
	l.read = nil
}

// clip keeps a file that is wrong altogether from filling the screen.
func (l *loader) clip(name string, before int) {
	more := len(l.report.Problems) - before - openslo.MaxProblems
	if more <= 0 {
		return
	}
	l.report.Problems = l.report.Problems[:before+openslo.MaxProblems]
	l.report.Errorf(fault.Place{File: name}, "too-many-problems", "mend the first ones, then look again", "%d more problems in this file", more)
}

// maybeOurs says whether bytes could hold a document of ours, cheaply: a
// folder may hold thousands of other YAML files.
func maybeOurs(data []byte) bool {
	return surelyOurs(data) || bytes.Contains(data, []byte("apiVersion"))
}

func surelyOurs(data []byte) bool {
	return bytes.Contains(data, []byte("openslo/")) || bytes.Contains(data, []byte("nines/"))
}

// foreign says whether a document belongs to another program: its apiVersion
// is neither ours nor near to it.
func foreign(n *openslo.Node) bool {
	v := n.Get("apiVersion").Str()
	group, _, _ := strings.Cut(v, "/")
	if v == "" {
		return !n.Get("metadata").IsSet() || !openKind(n.Get("kind").Str())
	}
	return openslo.Suggest(group, []string{"openslo", "nines"}) == ""
}

func openKind(kind string) bool {
	for _, k := range openslo.Kinds() {
		if k == kind && k != "Service" { // other programs have a kind Service
			return true
		}
	}
	return false
}

// document takes in one document.
func (l *loader) document(n *openslo.Node) {
	v := n.Get("apiVersion")
	switch v.Str() {
	case openslo.Version:
		l.opensloDocument(n)
	case version:
		l.ninesDocument(n)
	case "":
		at := n.Where()
		if n != nil && n.Kind != openslo.Map {
			l.report.Errorf(at, "wrong-type", "a document has apiVersion, kind, metadata and spec", "a document must be a mapping, not %s", n.Kind)
			return
		}
		l.report.Errorf(at, "missing-field", "write apiVersion: openslo/v1 (or nines/v1)", "document needs the field %q", "apiVersion")
	default:
		hint := openslo.DidYouMean(v.Str(), []string{openslo.Version, version})
		if strings.HasPrefix(v.Str(), "openslo") {
			hint = "only openslo/v1 is read"
		}
		l.report.Errorf(v.Place, "unknown-version", hint, "unknown apiVersion %q", clipText(v.Str()))
	}
}

func clipText(s string) string {
	const most = 60
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// opensloDocument decodes a document of OpenSLO and files it by its name.
func (l *loader) opensloDocument(n *openslo.Node) {
	doc := l.shapes.Decode(l.tiers.complete(n), l.report)
	if doc == nil {
		return
	}
	l.annotations(doc.Kind, &doc.Meta)
	name := doc.Meta.Name
	if doc.SLO != nil {
		// An SLO is addressed as service/slo, so its name is its service's own.
		name = doc.SLO.Service.Name + "/" + name
	}
	if !l.claim(doc.Kind, name, doc.Meta.Place) {
		return
	}
	switch {
	case doc.Service != nil:
		l.services = append(l.services, doc.Service)
	case doc.DataSource != nil:
		l.sources[name] = doc.DataSource
		l.order = append(l.order, name)
	case doc.SLI != nil:
		l.slis[name] = doc.SLI
	case doc.SLO != nil:
		l.slos = append(l.slos, doc.SLO)
		l.inlineAnnotations(doc.SLO)
	case doc.Condition != nil:
		l.conditions[name] = doc.Condition
	case doc.Target != nil:
		l.targets[name] = doc.Target
	case doc.Policy != nil:
		l.policies[name] = doc.Policy
		l.order = append(l.order, name)
	}
}

// claim takes a name for a kind; it reports a second taker and returns false.
func (l *loader) claim(kind, name string, at fault.Place) bool {
	if name == "" || strings.HasSuffix(name, "/") {
		return false
	}
	key := kind + " " + name
	if first, taken := l.names[key]; taken {
		l.report.Errorf(at, "duplicate-name", "the first is at "+first.String(), "there are two %s called %q", plural(kind), name)
		return false
	}
	l.names[key] = at
	return true
}

func plural(kind string) string {
	if strings.HasSuffix(kind, "y") {
		return kind[:len(kind)-1] + "ies"
	}
	return kind + "s"
}

// dir is the folder of a document, where its relative paths begin.
func dir(at fault.Place) string { return filepath.Dir(at.File) }
