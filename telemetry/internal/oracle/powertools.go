package oracle

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// NodeModules is the environment variable that says where the official TypeScript
// library is installed; tools/telemetry.sh installs it, `make test` sets this.
const NodeModules = "NINES_TELEMETRY_NODE_MODULES"

// Case is a sequence of calls on a logger or on metrics of the official library,
// as data, so that the same calls can be made on ours. Its JSON form stands in
// testdata; powertools.mjs runs it.
type Case struct {
	Name string `json:"name"`
	// Utility is "logger" (also when empty), "metrics", "tracer" or "sampling".
	Utility string `json:"utility,omitempty"`
	// Env is added to the environment; TZ is UTC unless it says otherwise.
	Env map[string]string `json:"env,omitempty"`
	// Now is where the clock stands, in milliseconds since 1970; 0: it runs.
	Now int64 `json:"now,omitempty"`
	// Options are those of the library's constructor, in its spelling.
	Options Options `json:"options,omitzero"`
	Steps   []Step  `json:"steps,omitempty"`
	// Loggers and Rate belong to "sampling": how many loggers are made, and the
	// sampling rate of each.
	Loggers int     `json:"loggers,omitempty"`
	Rate    float64 `json:"rate,omitempty"`
}

// Time is the instant at which the case's clock stands.
func (c Case) Time() time.Time { return time.UnixMilli(c.Now).UTC() }

// Options are the constructor options that cases use.
type Options struct {
	ServiceName       string            `json:"serviceName,omitempty"`
	LogLevel          string            `json:"logLevel,omitempty"`
	SampleRate        float64           `json:"sampleRateValue,omitempty"`
	PersistentKeys    map[string]any    `json:"persistentKeys,omitempty"`
	LogBuffer         map[string]any    `json:"logBufferOptions,omitempty"`
	Namespace         string            `json:"namespace,omitempty"`
	DefaultDimensions map[string]string `json:"defaultDimensions,omitempty"`
}

// Step is one call. Which fields it uses depends on Do:
//
//	context      Context                      Lambda's context is added
//	append       Keys                         keys until reset
//	persist      Keys                         keys for good
//	remove       Names
//	reset
//	correlation  ID, or Path and Event
//	level        Level
//	log          Level, Message, Keys, Error
//	flush                                     the buffered records
//
//	metric       Name, Unit, Value, Resolution
//	dimension    Name, Value
//	dimensions   Keys                         one more set
//	defaults     Keys
//	metadata     Name, Value
//	timestamp    Value                        milliseconds since 1970
//	single       Name, Unit, Value, Resolution, Keys (its dimensions)
//	cold         Name                         the function's
//	publish
//
//	cold                                      inside of "## handler" of a tracer
//	service
//	annotation   Name, Value
//	metadata     Name, Value
//	response     Value, Name                  the method's
//	error        Error
//
// A value that JSON cannot spell is {"number":"NaN"} or {"error":{…}}.
type Step struct {
	Do         string          `json:"do"`
	Level      string          `json:"level,omitempty"`
	Message    string          `json:"message,omitempty"`
	ID         string          `json:"id,omitempty"`
	Path       string          `json:"path,omitempty"`
	Name       string          `json:"name,omitempty"`
	Unit       string          `json:"unit,omitempty"`
	Resolution int             `json:"resolution,omitempty"`
	Names      []string        `json:"names,omitempty"`
	Keys       json.RawMessage `json:"keys,omitempty"`
	Value      json.RawMessage `json:"value,omitempty"`
	Event      json.RawMessage `json:"event,omitempty"`
	Error      *Failure        `json:"error,omitempty"`
	Context    *Context        `json:"context,omitempty"`
}

// Failure is an error that a step logs.
type Failure struct {
	Name    string         `json:"name,omitempty"`
	Message string         `json:"message"`
	Cause   *Failure       `json:"cause,omitempty"`
	Fields  map[string]any `json:"fields,omitempty"`
}

// Context is what the library reads of Lambda's context.
type Context struct {
	FunctionName string `json:"functionName,omitempty"`
	Version      string `json:"functionVersion,omitempty"`
	Memory       string `json:"memoryLimitInMB,omitempty"`
	ARN          string `json:"invokedFunctionArn,omitempty"`
	RequestID    string `json:"awsRequestId,omitempty"`
	TenantID     string `json:"tenantId,omitempty"`
}

// Printed is what the official library did with a case.
type Printed struct {
	Name string
	// Records are the JSON lines that it wrote, in their order, whichever the
	// stream: from warn on a logger writes to standard error. Of a tracer it is the
	// function's segment document.
	Records [][]byte
	// Said is what else it wrote: warnings of the metrics utility.
	Said []string
	// Threw is the exception that ended the case, and empty without one.
	Threw string
	// Sampled is how many loggers of a "sampling" case write debug records.
	Sampled int
}

// LoggerCases are the calls on a logger that records are compared for.
func LoggerCases(tb testing.TB) []Case { tb.Helper(); return cases(tb, "logger") }

// MetricsCases are the calls on metrics that lines are compared for.
func MetricsCases(tb testing.TB) []Case { tb.Helper(); return cases(tb, "metrics") }

func cases(tb testing.TB, utility string) []Case {
	tb.Helper()
	text, err := files.ReadFile("testdata/" + utility + ".cases.json")
	if err != nil {
		tb.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var list []Case
	if err := dec.Decode(&list); err != nil {
		tb.Fatalf("the cases of %s: %v", utility, err)
	}
	for i := range list {
		list[i].Utility = utility
	}
	return list
}

// HavePowertools says whether the official library can be run here.
func HavePowertools() bool { return os.Getenv(NodeModules) != "" }

// Powertools runs cases with the official TypeScript library, all in one process,
// and returns what each printed, in their order. It skips the test where the
// library is not installed.
func Powertools(tb testing.TB, list ...Case) []Printed {
	tb.Helper()
	if !HavePowertools() {
		tb.Skip(NodeModules + " is not set: tools/telemetry.sh installs the official library, make test says where it is")
	}
	script, err := files.ReadFile("powertools.mjs")
	if err != nil {
		tb.Fatal(err)
	}
	calls, err := json.Marshal(list)
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.CommandContext(tb.Context(), "node", "--input-type=module", "--eval", string(script)) //nolint:gosec // the script is part of this package
	// Nothing of the machine's own settings reaches the library.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), NodeModules + "=" + os.Getenv(NodeModules)}
	cmd.Stdin = bytes.NewReader(calls)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("the official library: %v\n%s", err, stderr.Bytes())
	}
	return printed(tb, out, len(list))
}

// printed reads the answers, one a line.
func printed(tb testing.TB, out []byte, want int) []Printed {
	tb.Helper()
	var all []Printed
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var a struct {
			Name, Threw string
			Written     []string
			Sampled     int
		}
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			tb.Fatalf("the official library answered %.200q: %v", lines.Bytes(), err)
		}
		p := Printed{Name: a.Name, Threw: a.Threw, Sampled: a.Sampled}
		for _, l := range a.Written {
			if strings.HasPrefix(l, "{") {
				p.Records = append(p.Records, []byte(l))
			} else {
				p.Said = append(p.Said, l)
			}
		}
		all = append(all, p)
	}
	if err := lines.Err(); err != nil || len(all) != want {
		tb.Fatalf("the official library answered %d of %d cases (%v)", len(all), want, err)
	}
	return all
}
