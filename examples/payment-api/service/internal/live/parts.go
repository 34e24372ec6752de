package live

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// startsIn is how long a part may take until it says where it listens, stopsIn
// how long it may take to stop.
const (
	startsIn = 20 * time.Second
	stopsIn  = 8 * time.Second
)

// part is a process of the run that goes on until it is told to stop.
type part struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // how it ended; read after ended is closed
}

// parts are all of them. Whichever ends by itself ends the run.
type parts struct {
	fail context.CancelCauseFunc

	mu       sync.Mutex
	all      []*part
	stopping bool
}

// start runs a program whose standard streams are set, and watches it.
func (ps *parts) start(name string, cmd *exec.Cmd) error {
	apart(cmd)
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	p := &part{name: name, cmd: cmd, ended: make(chan struct{})}
	ps.mu.Lock()
	ps.all = append(ps.all, p)
	ps.mu.Unlock()
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
		ps.mu.Lock()
		defer ps.mu.Unlock()
		if !ps.stopping {
			how := "by itself"
			if p.err != nil {
				how = p.err.Error()
			}
			ps.fail(fmt.Errorf("%s has ended (%s); everything else is stopped", name, how))
		}
	}()
	return nil
}

// stop tells the parts to stop, the newest first, and ends those that do not.
func (ps *parts) stop() {
	ps.mu.Lock()
	ps.stopping = true
	all := ps.all
	ps.mu.Unlock()
	for _, p := range slices.Backward(all) {
		_ = p.cmd.Process.Signal(os.Interrupt) // it may be gone already
		select {
		case <-p.ended:
		case <-time.After(stopsIn):
			_ = p.cmd.Process.Kill() // as above
			<-p.ended
		}
	}
}

// cloudWatch starts the local CloudWatch, which follows the service's log, and
// keeps what its clients have to know.
func (r *runner) cloudWatch(ctx context.Context) (url string, err error) {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), r.opt.Nines, //nolint:gosec // the program that was named
		"cloudwatch", "--listen", "127.0.0.1:0", "--region", "eu-west-1",
		"--tail", r.log(), "--from-start", "-o", "json")
	cmd.Env, cmd.Stderr = r.env, r.opt.Err
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := r.parts.start("the local CloudWatch", cmd); err != nil {
		return "", err
	}
	line, err := firstLine(ctx, out)
	if err != nil {
		return "", fmt.Errorf("the local CloudWatch says nothing: %w", err)
	}
	var said struct {
		URL string            `json:"url"`
		Env map[string]string `json:"env"`
	}
	if err := json.Unmarshal([]byte(line), &said); err != nil || said.URL == "" {
		return "", fmt.Errorf("the local CloudWatch says %q", line)
	}
	for k, v := range said.Env {
		r.aws = append(r.aws, k+"="+v)
	}
	return said.URL, nil
}

var listens = regexp.MustCompile(`listens at (http://\S+), card network (http://\S+), admin (http://\S+)`)

// addresses are where the service's parts listen.
type addresses struct{ api, network, admin string }

// service starts a version of the payment API; its standard output goes to the log.
func (r *runner) service(ctx context.Context, version string) (addresses, error) {
	log, err := os.OpenFile(r.log(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return addresses{}, err
	}
	defer log.Close()                                                                                                              //nolint:errcheck // the process has its own
	cmd := exec.CommandContext(context.WithoutCancel(ctx), r.opt.Self, "serve", "--addr", "127.0.0.1:0", "--admin", "127.0.0.1:0") //nolint:gosec // ourselves
	cmd.Env, cmd.Stdout = append(r.env, serviceEnv(version)...), log
	said, err := cmd.StderrPipe()
	if err != nil {
		return addresses{}, err
	}
	if err := r.parts.start("the payment API", cmd); err != nil {
		return addresses{}, err
	}
	line, err := firstLine(ctx, said)
	m := listens.FindStringSubmatch(line)
	if err != nil || m == nil {
		return addresses{}, errors.Join(fmt.Errorf("the payment API says %q", line), err)
	}
	return addresses{m[1], m[2], m[3]}, nil
}

// serviceEnv are the settings of the service, as its function has them.
func serviceEnv(version string) []string {
	return []string{
		"VERSION=" + version, "POWERTOOLS_SERVICE_NAME=payment-api", "POWERTOOLS_SERVICE_VERSION=" + version,
		"POWERTOOLS_METRICS_NAMESPACE=PaymentAPI", "POWERTOOLS_TRACE_DISABLED=true", "LOG_LEVEL=INFO",
	}
}

func (r *runner) log() string { return filepath.Join(r.opt.Config, ".nines", "service.log") }

// firstLine returns the first line of a stream, and reads on so that its writer
// never waits.
func firstLine(ctx context.Context, from io.Reader) (string, error) {
	type read struct {
		line string
		err  error
	}
	got := make(chan read, 1)
	go func() {
		lines := bufio.NewReader(from)
		line, err := lines.ReadString('\n')
		got <- read{strings.TrimSpace(line), err}
		_, _ = io.Copy(io.Discard, lines) // it ends with the process
	}()
	select {
	case r := <-got:
		return r.line, r.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case <-time.After(startsIn):
		return "", fmt.Errorf("nothing within %v", startsIn)
	}
}

// plain is the environment of everything that is started: without settings for
// other accounts, other stores or a pipeline that happens to be around it.
func plain(environ []string) []string {
	out := []string{"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "NINES_ACTOR=you"}
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		switch {
		case strings.HasPrefix(name, "AWS_"), strings.HasPrefix(name, "NINES_"), strings.HasPrefix(name, "CI"), strings.HasPrefix(name, "GITLAB_"),
			strings.HasPrefix(name, "POWERTOOLS_"), strings.HasPrefix(name, "OTEL_"),
			name == "FAULT", name == "VERSION", name == "CARD_NETWORK_URL", strings.HasSuffix(strings.ToLower(name), "_proxy"):
		default:
			out = append(out, kv)
		}
	}
	return out
}
