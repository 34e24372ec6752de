package e2e_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// stage is a project whose pipeline calls stand-ins: programs that write down how
// they were called, and end with a code that the test sets.
type stage struct {
	*project
	keep string // where the calls and the codes are
}

// standIn says what it was called with, one call a line, and ends with the next
// code of the file of its verb; 0 where there is none. What a report is asked for
// it writes, as far as a later job reads it.
const standIn = `#!/bin/sh
keep=%[1]q
name="${0##*/}"
case "$name" in nines) verb="$1" ;; *) verb="$name" ;; esac
line="$name"
for word in "$@"; do
  case "$word" in
  dotenv=*) printf 'NINES_VERDICT=pass\nNINES_VERSION=8\nNINES_ROLLOUT=1ng\n' >"${word#dotenv=}" ;;
  junit=*) printf '<testsuites></testsuites>\n' >"${word#junit=}" ;;
  esac
  line="$line $word"
done
[ "$name" != aws ] || line="$line role=${AWS_ROLE_ARN:-} key=${AWS_ACCESS_KEY_ID:-}"
printf '%%s\n' "$line" >>"$keep/calls"
code=0
if [ -s "$keep/$verb" ]; then
  code="$(head -n 1 "$keep/$verb")"
  sed 1d "$keep/$verb" >"$keep/$verb.rest" && mv "$keep/$verb.rest" "$keep/$verb"
fi
echo "$name ends with $code"
exit "$code"
`

// newStage makes a project with a pipeline and stand-ins for all that it calls.
func newStage(t *testing.T, files map[string]string) *stage {
	t.Helper()
	s := &stage{project: newProject(t, nil), keep: t.TempDir()}
	bin := filepath.Join(s.keep, "bin")
	if err := os.Mkdir(bin, 0o750); err != nil {
		t.Fatal(err)
	}
	s.stands(t, "nines", "aws", "cfn-lint", "checkov", "trivy", "bandit", "gosec", "govulncheck", "terraform", "tofu", "pip")
	s.nines = filepath.Join(bin, "nines")
	s.env[0] = "PATH=" + bin + ":" + os.Getenv("PATH")
	s.commit(t, files)
	s.git(t, "update-ref", "refs/remotes/origin/main", "HEAD")
	return s
}

// stands lets stand-ins take the place of programs.
func (s *stage) stands(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		file := filepath.Join(s.keep, "bin", name)
		write(t, file, fmt.Sprintf(standIn, s.keep))
		if err := os.Chmod(file, 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

// ends sets the codes that calls of a verb end with, in their order.
func (s *stage) ends(t *testing.T, verb string, codes ...int) {
	t.Helper()
	var b strings.Builder
	for _, c := range codes {
		fmt.Fprintln(&b, c)
	}
	write(t, filepath.Join(s.keep, verb), b.String())
}

// calls are the calls since the last time, without what every one has.
func (s *stage) calls(t *testing.T) []string {
	t.Helper()
	file := filepath.Join(s.keep, "calls")
	data, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err := os.RemoveAll(file); err != nil {
		t.Fatal(err)
	}
	common := regexp.MustCompile(` --config slo --env production| --report [a-z]+=\S+| --note=true| --max-age 0`)
	var out []string
	for line := range strings.Lines(common.ReplaceAllString(string(data), "")) {
		out = append(out, strings.TrimSpace(line))
	}
	return out
}

// verbs are the first words of calls, after the program's name.
func verbs(calls []string) (out []string) {
	for _, c := range calls {
		words := strings.Fields(c)
		if words[0] == "nines" {
			words = words[1:]
		}
		out = append(out, words[0])
	}
	return out
}

const stagesLine = "stages: [validate, test, security, deploy-staging, slo-check, canary, deploy-production, post-deploy]\n"

// sre is a pipeline that uses the whole one.
func sre(inputs ...string) map[string]string {
	inputs = append([]string{"service: pay", "config: slo", "mode: enforce", "tools-image: tools", "test-script: [echo tested]"}, inputs...)
	return map[string]string{".gitlab-ci.yml": stagesLine + "include:\n" + component("sre-pipeline", inputs...)}
}

// strict is what the runner of the tests needs to stop behind a job that failed:
// it takes one that may fail with a code for one that may fail with any.
const strict = "slo-check: {allow_failure: false}\ncanary: {allow_failure: false}\n"

// all are the jobs of the whole pipeline where all is well, with the button that
// deploys pressed.
func all() map[string]string {
	return map[string]string{
		"cfn-lint": "PASS", "test": "PASS", "checkov": "PASS", "trivy": "PASS", "deploy-staging": "PASS", "slo-check": "PASS",
		"canary": "PASS", "deploy-production": "PASS", "watch": "PASS",
	}
}

// but changes what comes of some jobs; "" takes one out.
func but(jobs map[string]string) map[string]string {
	out := all()
	maps.Copy(out, jobs)
	maps.DeleteFunc(out, func(_, v string) bool { return v == "" })
	return out
}

const pressed = "--manual=deploy-production"

// TestPipelineWhole runs the whole pipeline, and looks at every call that it
// makes.
func TestPipelineWhole(t *testing.T) {
	runner(t)
	t.Parallel()
	s := newStage(t, sre("bucket: shop-artifacts", "staging-role: 'arn:aws:iam::123456789012:role/deploys'", "staging-parameters: 'Fault=none ServiceVersion=8'",
		"target: 'lambda:pay:live'", "artifact: service.zip", "terraform: tofu", "terraform-folder: infra", "bandit: true", "gosec: true", "govulncheck: true", "go-folder: service",
		"tools-setup: [pip install checkov]", "alert-threshold: '200 0.5%'", "alarms: 'pay-errors pay-slow'"))
	if err := os.MkdirAll(filepath.Join(s.dir, "service"), 0o750); err != nil {
		t.Fatal(err)
	}
	s.commit(t, map[string]string{"service/go.mod": "module pay\n"})
	want := all()
	for _, job := range []string{"terraform-validate", "bandit", "gosec", "govulncheck"} {
		want[job] = "PASS"
	}
	got := s.run(t, pressed, "--variable", "NINES_AWS_TOKEN=the.job.token", "--variable", "AWS_ACCESS_KEY_ID=VARIABLE", "--variable", "AWS_SECRET_ACCESS_KEY=s")
	got.want(t, want)
	calls := s.calls(t)
	for _, call := range []string{
		"cfn-lint -- template.yaml", "pip install checkov",
		"tofu -chdir=infra init -backend=false -input=false -no-color", "tofu -chdir=infra validate -no-color",
		"checkov --file template.yaml --compact --quiet --skip-download --output cli --output junitxml --output-file-path console,checkov.xml",
		"trivy filesystem --scanners vuln,secret,misconfig --severity HIGH,CRITICAL --exit-code 1 --no-progress .",
		"bandit --quiet --recursive --severity-level medium .", "govulncheck -C service ./...",
	} {
		if !slices.Contains(calls, call) {
			t.Errorf("nobody called %s", call)
		}
	}
	// What touches anything comes after what looks, in this order.
	from := slices.IndexFunc(calls, func(c string) bool { return strings.HasPrefix(c, "aws ") })
	const deploys = " role=arn:aws:iam::123456789012:role/deploys key="
	order := []string{
		"aws cloudformation package --template-file template.yaml --s3-bucket shop-artifacts --output-template-file packaged.yaml" + deploys,
		"aws cloudformation deploy --stack-name pay-staging --template-file packaged.yaml --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND" +
			" --no-fail-on-empty-changeset --parameter-overrides Fault=none ServiceVersion=8" + deploys,
		"nines gate pay --class change --mode enforce",
		"nines canary pay --then hold --target lambda:pay:live --artifact service.zip --wait 5 --threshold 99 --alarm pay-errors --alarm pay-slow",
		"nines gate pay --class change --mode enforce",
		"nines promote pay --reason promoted by deploy-production of pipeline 1000 --target lambda:pay:live",
		"nines watch pay --duration 30 --rollback auto --alert-threshold 200 --alert-threshold 0.5% --alarm pay-errors --alarm pay-slow --target lambda:pay:live",
	}
	if from < 0 || !slices.Equal(calls[from:], order) {
		t.Errorf("what touched something:\n%s\nwant\n%s", strings.Join(calls[max(from, 0):], "\n"), strings.Join(order, "\n"))
	}
	if env := got.artifact(t, "canary", "canary.env"); !strings.Contains(env, "NINES_VERSION=8\n") {
		t.Errorf("the canary left %q", env)
	}
}

// later are the jobs that touch something, in their order.
var later = []string{"deploy-staging", "slo-check", "canary", "deploy-production", "watch"}

// failing is what comes of the jobs where one fails: those behind it do not run.
func failing(job string) map[string]string {
	out := map[string]string{job: "FAIL"}
	for _, behind := range later[slices.Index(later, job)+1:] {
		out[behind] = ""
	}
	return out
}

// stops is a part of the pipeline that does not go as it should.
type stops struct {
	name  string
	codes map[string][]int // that calls of a verb end with
	input string
	want  map[string]string // what differs from a pipeline in which all is well
	calls string            // verbs that are called, of those that touch something
	often bool              // looked at by every test, not only the full one
}

// TestPipelineStops has each part fail: what follows does not run, and what may
// go on does.
func TestPipelineStops(t *testing.T) {
	runner(t)
	t.Parallel()
	const whole = "aws gate canary gate promote watch"
	for _, c := range []stops{
		{"a scanner finds something", map[string][]int{"trivy": {0, 1}}, "", map[string]string{
			"trivy": "FAIL", "deploy-staging": "", "slo-check": "", "canary": "", "deploy-production": "", "watch": "",
		}, "", true},
		{"it may", map[string][]int{"trivy": {0, 1}}, "security-may-fail: true", map[string]string{"trivy": "WARN"}, whole, false},
		{"staging cannot be deployed", map[string][]int{"aws": {255}}, "", failing("deploy-staging"), "aws", false},
		{"the gate holds", map[string][]int{"gate": {3}}, "", failing("slo-check"), "aws gate", false},
		{"the gate advises", map[string][]int{"gate": {1, 3}}, "mode: advise", map[string]string{"slo-check": "WARN"}, whole, false},
		{"the canary fails", map[string][]int{"canary": {3}}, "", failing("canary"), "aws gate canary", true},
		{"the canary is not known", map[string][]int{"canary": {4}}, "", failing("canary"), "aws gate canary", false},
		{"and may be", map[string][]int{"canary": {4}}, "inconclusive: warn", map[string]string{"canary": "WARN"}, whole, true},
		{"the canary breaks", map[string][]int{"canary": {1}}, "inconclusive: fail", failing("canary"), "aws gate canary", false},
		{"a freeze began since", map[string][]int{"gate": {0, 3}}, "", failing("deploy-production"), "aws gate canary gate", false},
		{"the promotion fails", map[string][]int{"promote": {1}}, "", failing("deploy-production"), "aws gate canary gate promote", false},
		{"the deployment hurts", map[string][]int{"watch": {3}}, "", map[string]string{"watch": "FAIL"}, whole, true},
		{"by CloudFormation", nil, "production: cloudformation", nil, "aws gate canary gate aws record watch", true},
		{"CloudFormation fails", map[string][]int{"aws": {0, 255}}, "production: cloudformation", failing("deploy-production"), "aws gate canary gate aws", false},
		{"without some", nil, "staging: false, slo-check: false, canary: false, watch: false", map[string]string{
			"deploy-staging": "", "slo-check": "", "canary": "", "watch": "",
		}, "gate promote", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !c.often && os.Getenv("NINES_FULL") == "" {
				t.Skip("NINES_FULL is not set")
			}
			c.run(t)
		})
	}
}

func (c *stops) run(t *testing.T) {
	t.Helper()
	inputs := []string{"cfn-lint: false", "test: false", "checkov: false"}
	if c.input != "" {
		inputs = append(inputs, c.input)
	}
	files := sre(inputs...)
	if strings.HasPrefix(c.input, "mode") { // said twice it would be no YAML
		files[".gitlab-ci.yml"] = strings.Replace(files[".gitlab-ci.yml"], "mode: enforce, ", "", 1)
	}
	if c.want["canary"] != "WARN" && c.want["slo-check"] != "WARN" && !strings.Contains(c.input, "false") {
		files[".gitlab-ci.yml"] += strict
	}
	s := newStage(t, files)
	for verb, codes := range c.codes {
		s.ends(t, verb, codes...)
	}
	want := map[string]string{"cfn-lint": "", "test": "", "checkov": ""}
	maps.Copy(want, c.want)
	s.run(t, pressed, "--json-schema-validation=false").want(t, but(want)) // TestPipelineWhole holds it to the schema
	touching := slices.DeleteFunc(verbs(s.calls(t)), func(v string) bool { return v == "trivy" })
	if got := strings.Join(touching, " "); got != c.calls {
		t.Errorf("called: %s, want %s", got, c.calls)
	}
}

// TestPipelineButtons presses what waits for a person, and looks at a branch that
// deploys nothing.
func TestPipelineButtons(t *testing.T) {
	runner(t)
	t.Parallel()
	s := newStage(t, sre())
	s.run(t, "rollback", "--variable", "NINES_TO=7", "--variable", "NINES_REASON=it's \"slow\" $(touch evil)").want(t, map[string]string{"rollback": "PASS"})
	if calls := s.calls(t); !slices.Equal(calls, []string{`nines rollback pay --reason it's "slow" $(touch evil) --to 7`}) {
		t.Errorf("%q", calls)
	}
	s.git(t, "checkout", "-q", "-b", "topic")
	s.commit(t, map[string]string{"x": "y"})
	s.run(t).want(t, map[string]string{"cfn-lint": "PASS", "test": "PASS", "checkov": "PASS", "trivy": "PASS"})
	for _, c := range s.calls(t) {
		if strings.HasPrefix(c, "nines") || strings.HasPrefix(c, "aws") {
			t.Errorf("a branch calls %s", c)
		}
	}
}

// TestComponentsOfRollouts runs the components by themselves.
func TestComponentsOfRollouts(t *testing.T) {
	runner(t)
	t.Parallel()
	s := newStage(t, map[string]string{".gitlab-ci.yml": "stages: [deploy, after]\ninclude:\n" +
		component("canary", "service: pay", "config: slo", "steps: '5%:10m 25%:10m:pause'", "unsure: extend", "version: '8'", "method: eprocess", "inconclusive: warn", "shift-with: './shift.sh -v'", "read-with: ./read.sh") +
		component("promote", "service: pay", "config: slo", "needs: [canary]", "rules: [{when: on_success}]", "mode: enforce") +
		component("watch", "service: pay", "config: slo", "stage: after", "needs: [promote]", "rollback: never") +
		component("rollback", "service: pay", "config: slo", "stage: after", "needs: [watch]", "rules: [{when: on_failure}]", "job-prefix: un-") +
		"watch: {allow_failure: false}\n"})
	s.ends(t, "canary", 4)
	s.ends(t, "watch", 3)
	s.run(t).want(t, map[string]string{"canary": "WARN", "promote": "PASS", "watch": "FAIL", "un-rollback": "PASS"})
	want := []string{
		"nines canary pay --then promote --version 8 --step 5%:10m --step 25%:10m:pause --method eprocess --unsure extend --shift-with ./shift.sh -v --read-with ./read.sh",
		"nines gate pay --class change --mode enforce",
		"nines promote pay --reason promoted by promote of pipeline 1000",
		"nines watch pay --duration 30 --rollback never",
		"nines rollback pay --reason rolled back by un-rollback of pipeline 1000",
	}
	if calls := s.calls(t); !slices.Equal(calls, want) {
		t.Errorf("%s", strings.Join(calls, "\n"))
	}
	// A gate that holds keeps the promotion from being called.
	s.ends(t, "gate", 3)
	s.run(t, "canary", "promote").want(t, map[string]string{"canary": "PASS", "promote": "FAIL"})
	if got := verbs(s.calls(t)); !slices.Equal(got, []string{"canary", "gate"}) {
		t.Errorf("%v", got)
	}
}

// TestPipelineSpeaksTheProgramsLanguage gives each call that the stand-ins wrote
// down to the program itself, in a place without documents: it has to understand
// every flag, and to refuse for that place alone.
func TestPipelineSpeaksTheProgramsLanguage(t *testing.T) {
	t.Parallel()
	given := map[string]string{
		"service": "pay", "binary": "./nines", "mode": "enforce", "config": "slo", "environment": "production", "target": "lambda:pay:live", "store": "sqlite:x.db",
		"artifact": "pay.zip", "steps": "5%:10m 25%:10m:pause", "method": "eprocess", "unsure": "extend", "alarms": "a b", "alert-threshold": "200 0.5%",
		"gitlab": "http://127.0.0.1:9", "project": "shop/pay", "threshold": "99", "wait": "5",
	}
	for _, verb := range []string{"canary", "promote", "watch", "rollback", "slo-check"} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, filepath.Join(dir, "nines"), "#!/bin/sh\nprintf '%s\\n' \"$@\" >>calls\necho . >>calls\n")
			if err := os.Chmod(filepath.Join(dir, "nines"), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "job"), "set -eu\n"+shellScript(t, verb, "$[[ inputs.job-prefix ]]"+verb, "script", given))
			cmd := exec.CommandContext(t.Context(), "sh", "job")
			cmd.Dir, cmd.Env = dir, []string{"PATH=/usr/bin:/bin", "CI_JOB_NAME=x", "NINES_TO=7", "NINES_REASON=because"}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			data, err := os.ReadFile(filepath.Join(dir, "calls"))
			if err != nil {
				t.Fatal(err)
			}
			for call := range strings.SplitSeq(strings.TrimSuffix(string(data), "\n.\n"), "\n.\n") {
				const usage = 2
				_, errs := run(t, command(t, t.TempDir(), strings.Split(call, "\n")...), usage)
				if said := string(errs); !strings.Contains(said, "slo") || strings.Contains(said, "flag") || strings.Contains(said, "unknown") {
					t.Errorf("%s\n%s", call, said)
				}
			}
		})
	}
}

// TestPipelineOfTheExample runs the payment API's own pipeline, from its file and
// its folders.
func TestPipelineOfTheExample(t *testing.T) {
	runner(t)
	t.Parallel()
	const folder, file = "examples/payment-api", "examples/payment-api/.gitlab-ci.yml"
	files := map[string]string{}
	for _, name := range []string{file, folder + "/template.yaml", "examples/production/payment-api.yaml"} {
		data, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = here(string(data))
	}
	files[folder+"/service.zip"] = "" // zip is a stand-in
	s := newStage(t, files)
	s.stands(t, "go", "zip")
	want := all()
	for _, job := range []string{"build", "gosec", "govulncheck"} {
		want[job] = "PASS"
	}
	if err := os.MkdirAll(filepath.Join(s.dir, folder, "service"), 0o750); err != nil {
		t.Fatal(err)
	}
	s.commit(t, map[string]string{folder + "/service/go.mod": "module pay\n"})
	got := s.run(t, "--file", file, pressed, "--variable", "NINES_AWS_TOKEN=the.job.token")
	got.want(t, want)
	calls := s.calls(t)
	for _, call := range []string{
		"trivy filesystem --scanners vuln,secret,misconfig --severity HIGH,CRITICAL --exit-code 1 --no-progress .",
		"nines canary payment-api --then hold --artifact examples/payment-api/service.zip --wait 5 --threshold 99",
		"nines watch payment-api --duration 30 --rollback auto --alert-threshold 200",
	} {
		if !slices.ContainsFunc(calls, func(c string) bool { return strings.HasPrefix(c, call) }) {
			t.Errorf("nobody called %s:\n%s", call, strings.Join(calls, "\n"))
		}
	}
	// The documents that it names are in order, and name what it rolls out.
	nines(t, "../..", 0, "lint", "examples/production")
}

// TestFreezeSinceThePipelineWasMade freezes between the check and the button, with
// the program itself: what holds is what is so when the job runs.
func TestFreezeSinceThePipelineWasMade(t *testing.T) {
	runner(t)
	t.Parallel()
	store := "sqlite:" + filepath.Join(t.TempDir(), "nines.db")
	files := sre("store: '"+store+"'", "cfn-lint: false", "test: false", "checkov: false", "trivy: false", "staging: false", "canary: false")
	files[".gitlab-ci.yml"] = strings.Replace(files[".gitlab-ci.yml"], "service: pay", "service: fine", 1)
	files["slo/fine.csv"], files["slo/slo.yaml"] = recorded(0), fmt.Sprintf(recordedDoc, "fine", "fine")
	p := newProject(t, files)
	p.run(t, "slo-check").want(t, map[string]string{"slo-check": "PASS"})
	nines(t, p.dir, 0, "freeze", "add", "fine", "--reason", "the database moves", "--for", "2h", "--config", "slo", "--store", store)
	got := p.run(t, "deploy-production")
	got.want(t, map[string]string{"deploy-production": "FAIL"})
	if said := got.said(t, "deploy-production"); !strings.Contains(said, "the database moves") || strings.Contains(said, "promote") {
		t.Errorf("%s", said)
	}
}
