package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// input is one of a component's.
type input struct {
	Description string
	Type        string
	Default     any
	Options     []string
	Regex       string
}

// template is a component's file: its head, and the jobs below it.
type template struct {
	text   string
	inputs map[string]input
	jobs   map[string]any
}

func templates(t *testing.T) map[string]template {
	t.Helper()
	files, err := filepath.Glob("../../templates/*/template.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no components: %v", err)
	}
	out := map[string]template{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var head struct {
			Spec struct{ Inputs map[string]input }
		}
		c := template{text: string(data)}
		dec := yaml.NewDecoder(bytes.NewReader(data))
		if err := dec.Decode(&head); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if err := dec.Decode(&c.jobs); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		c.inputs = head.Spec.Inputs
		out[filepath.Base(filepath.Dir(file))] = c
	}
	return out
}

var used = regexp.MustCompile(`\$\[\[ inputs\.([a-z-]+) \]\]`)

// TestComponentConventions holds the components to the conventions of GitLab's
// catalog: every input is described and used, nothing but jobs is declared.
func TestComponentConventions(t *testing.T) {
	// What a pipeline has once, and a component must leave to it.
	global := []string{"default", "image", "services", "stages", "variables", "workflow", "include", "cache", "before_script", "after_script"}
	for name, c := range templates(t) {
		uses := map[string]bool{}
		for _, m := range used.FindAllStringSubmatch(c.text, -1) {
			uses[m[1]] = true
			if _, ok := c.inputs[m[1]]; !ok {
				t.Errorf("%s uses the input %s, which it does not declare", name, m[1])
			}
		}
		for id, in := range c.inputs {
			if in.Description == "" || !uses[id] {
				t.Errorf("%s: the input %s: described %v, used %v", name, id, in.Description != "", uses[id])
			}
			if in.Regex != "" {
				re, err := regexp.Compile(in.Regex)
				if err != nil || !strings.HasPrefix(in.Regex, "^") || !strings.HasSuffix(in.Regex, "$") {
					t.Errorf("%s: the pattern of %s: %v", name, id, err)
				} else if d, ok := in.Default.(string); ok && !re.MatchString(d) {
					t.Errorf("%s: the default of %s is not what its pattern allows", name, id)
				}
			}
			// What stands in a line of the shell is what it may be there, and no more.
			inScript := slices.ContainsFunc(c.lines(), func(line string) bool { return strings.Contains(line, "$[[ inputs."+id+" ]]") })
			if inScript && in.Type == "" && in.Regex == "" && in.Options == nil {
				t.Errorf("%s: the input %s reaches the script, and anything may stand in it", name, id)
			}
			if inScript && in.Type == "array" {
				t.Errorf("%s: the input %s is a list, and stands in a line", name, id)
			}
		}
		for key := range c.jobs {
			if slices.Contains(global, key) {
				t.Errorf("%s declares %s for the whole pipeline", name, key)
			}
		}
	}
}

// lines are the lines of the shell of all jobs.
func (c template) lines() (out []string) {
	for _, job := range c.jobs {
		keywords, _ := job.(map[string]any)
		for _, key := range []string{"before_script", "script", "after_script"} {
			list, _ := keywords[key].([]any)
			for _, line := range list {
				if text, ok := line.(string); ok {
					out = append(out, text)
				}
			}
		}
	}
	return out
}

// examples are the pipelines of the guides.
func examples(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, guide := range []string{"gitlab", "pipeline"} {
		data, err := os.ReadFile("../../doc/guide/" + guide + ".md")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(string(data), -1) {
			out = append(out, m[1])
		}
	}
	return out
}

// TestPipelinesOfTheGuide reads the guide's pipelines and our own against
// GitLab's schema of pipelines, and their inputs against the components'.
func TestPipelinesOfTheGuide(t *testing.T) {
	t.Parallel()
	all := templates(t)
	own, err := os.ReadFile("../../.gitlab-ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := os.ReadFile("../../examples/payment-api/.gitlab-ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	pipelines := append(examples(t), string(own), string(shipped))
	const fewest = 11
	if len(pipelines) < fewest {
		t.Fatalf("%d pipelines, where are the others?", len(pipelines))
	}
	for i, text := range pipelines {
		for _, use := range uses(t, text) {
			if _, ok := all[use.component]; !ok {
				t.Errorf("pipeline %d includes %s, which is not there:\n%s", i, use.component, text)
			}
			for id := range use.inputs {
				if _, ok := all[use.component].inputs[id]; !ok {
					t.Errorf("pipeline %d gives %s the input %s, which it has not", i, use.component, id)
				}
			}
		}
		t.Run(fmt.Sprintf("pipeline %d", i), func(t *testing.T) {
			t.Parallel()
			p := newProject(t, map[string]string{".gitlab-ci.yml": here(text)})
			if got := p.run(t, "--list"); got.code != 0 || strings.Contains(got.log, "Invalid") {
				t.Errorf("it is refused:\n%s\n%s", got.log, text)
			}
		})
	}
}

// here lets a pipeline of the guide include the components of this repository.
func here(text string) string {
	text = regexp.MustCompile(`\$CI_SERVER_FQDN/nines-sre/nines/([a-z-]+)@[0-9.]+`).ReplaceAllString(text, "$$CI_SERVER_FQDN/$$CI_PROJECT_PATH/$1@$$CI_COMMIT_SHA")
	return regexp.MustCompile(`(?m)- project: .*\n    ref: .*\n    file: `).ReplaceAllString(text, "- local: ")
}

// include is one use of a component.
type include struct {
	component string
	inputs    map[string]any
}

func uses(t *testing.T, text string) (out []include) {
	t.Helper()
	var doc struct {
		Include []struct {
			Component, Local, File string
			Inputs                 map[string]any
		}
	}
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	named := regexp.MustCompile(`([a-z-]+)(@[^/]*|/template\.yml)$`)
	for _, i := range doc.Include {
		if m := named.FindStringSubmatch(i.Component + i.Local + i.File); m != nil {
			out = append(out, include{m[1], i.Inputs})
		}
	}
	return out
}

// TestComponentsRefuse gives the components what they must not take.
func TestComponentsRefuse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ include, says string }{
		"a word that is no option": {component("gate", "service: pay", "mode: maybe"), "mode"},
		"a word for a yes":         {component("gate", "service: pay", "note: perhaps"), "note"},
		"a list for a word":        {component("slo-check", "service: [pay, shop]"), "service"},
		"a word for a list":        {component("slo-check", "service: pay", "needs: build"), "needs"},
		"no service":               {component("slo-check", "mode: enforce"), "service"},
		"a command for a service":  {component("gate", "service: 'pay\"; exit 0; \"'"), "service"},
		"a variable for a service": {component("gate", "service: $SERVICE"), "service"},
		"a command for a role":     {component("gate", "service: pay", "aws-role: '$(id)'"), "aws-role"},
		"a component not there":    {component("gates", "service: pay"), "gates"},
		"a keyword not there":      {component("gate", "service: pay") + "build:\n  skript: [make]\n", "build"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t, map[string]string{".gitlab-ci.yml": "stages: [test]\ninclude:\n" + c.include + "job: {extends: .nines-gate, script: ['true']}\n"})
			got := p.run(t, "--list")
			if got.code == 0 || !strings.Contains(got.log, c.says) {
				t.Errorf("exit %d, and %q is not named:\n%s", got.code, c.says, got.log)
			}
		})
	}
}
