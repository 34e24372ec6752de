package e2e_test

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// realTools are the programs of the pipeline that are installed here, of those
// that a registry has: each has its folder below the one of the variable.
func realTools(t *testing.T, names ...string) map[string]string {
	t.Helper()
	dir := os.Getenv("NINES_PIPELINE_TOOLS")
	if dir == "" {
		t.Skip("NINES_PIPELINE_TOOLS is not set: `make test` installs cfn-lint and bandit and sets it")
	}
	out := map[string]string{}
	for _, name := range names {
		file := filepath.Join(dir, name, "bin", name)
		if _, err := os.Stat(file); err == nil {
			out[name] = file
		}
	}
	for _, name := range []string{"cfn-lint", "bandit"} {
		if out[name] == "" {
			t.Errorf("%s is not installed in %s: tools/templates.sh does that", name, dir)
		}
	}
	return out
}

const goodTemplate = `AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties: {KmsMasterKeyId: alias/aws/sns}
`

const goodGo = "package main\n\nfunc main() { println(\"pay\") }\n"

// What each program must find.
var findings = map[string][2]string{
	"cfn-lint": {"template.yaml", strings.Replace(goodTemplate, "KmsMasterKeyId", "KmsMasterKye", 1)},
	"checkov":  {"template.yaml", strings.Replace(goodTemplate, "    Properties: {KmsMasterKeyId: alias/aws/sns}\n", "", 1)},
	"bandit":   {"app/pay.py", "import subprocess\nimport sys\n\nsubprocess.call(sys.argv[1], shell=True)\n"},
	"gosec":    {"service/main.go", "package main\n\nimport (\n\t\"crypto/md5\"\n\t\"fmt\"\n)\n\nfunc main() { fmt.Println(md5.Sum(nil)) }\n"},
}

// TestPipelineToolsFind runs the real programs in the pipeline, over a project in
// order and one that is not: cfn-lint and bandit, and where they are installed
// (`make test-full`) checkov and gosec. Trivy and Terraform's provider are in no
// registry here; TestPipelineWhole looks at how they are called.
func TestPipelineToolsFind(t *testing.T) {
	runner(t)
	t.Parallel()
	tools := realTools(t, "cfn-lint", "bandit", "checkov", "gosec")
	inputs := []string{"test: false", "trivy: false", "staging: false", "python-folder: app", "go-folder: service"}
	want := map[string]string{}
	for name := range findings {
		on := "false"
		if _, ok := tools[name]; ok {
			on, want[name] = "true", "PASS"
		}
		inputs = append(inputs, name+": "+on)
	}
	s := newStage(t, sre(inputs...))
	for name, file := range tools {
		link := filepath.Join(s.keep, "bin", name)
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(file, link); err != nil {
			t.Fatal(err)
		}
	}
	s.env = append(s.env, "GOFLAGS=-mod=mod", "GOCACHE="+goCache(t), "BC_SKIP_MAPPING=TRUE")
	s.git(t, "checkout", "-q", "-b", "topic") // nothing is deployed
	s.commit(t, map[string]string{"template.yaml": goodTemplate, "app/pay.py": "print(\"pay\")\n", "service/go.mod": "module pay\n\ngo 1.26\n", "service/main.go": goodGo})
	got := s.run(t)
	got.want(t, want)
	for name := range want {
		if name != "cfn-lint" { // it prints no such report
			readable(t, name, got.artifact(t, name, name+".xml"), false)
		}
	}
	for name, bad := range findings {
		if want[name] == "" {
			continue
		}
		before, err := os.ReadFile(filepath.Join(s.dir, bad[0]))
		if err != nil {
			t.Fatal(err)
		}
		s.commit(t, map[string]string{bad[0]: bad[1]})
		got := s.run(t, name)
		got.want(t, map[string]string{name: "FAIL"})
		if name != "cfn-lint" {
			readable(t, name, got.artifact(t, name, name+".xml"), true)
		}
		s.commit(t, map[string]string{bad[0]: string(before)})
	}
}

// readable reads a report as GitLab does.
func readable(t *testing.T, name, text string, finds bool) {
	t.Helper()
	var report struct {
		XMLName xml.Name
		Inner   string `xml:",innerxml"`
	}
	if err := xml.Unmarshal([]byte(text), &report); err != nil || !strings.HasPrefix(report.XMLName.Local, "testsuite") {
		t.Errorf("the report of %s: %v\n%s", name, err, text)
	}
	if found := strings.Contains(report.Inner, "<failure") || strings.Contains(report.Inner, "<error"); found != finds {
		t.Errorf("the report of %s has a finding: %v, want %v\n%s", name, found, finds, text)
	}
}

// goCache is the build cache, which is nowhere without HOME.
func goCache(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "go-build")
}
