package trace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

const (
	daemonDefault = "127.0.0.1:2000"
	daemonPrefix  = `{"format":"json","version":1}` + "\n"
	maxDocument   = 64 << 10
	maxDatagram   = 65507 // what UDP over IPv4 takes
)

// DaemonExporter sends segment documents to X-Ray's daemon, one datagram each. UDP
// does not say what arrived: only what the system refuses to send counts as lost.
type DaemonExporter struct {
	address string
	lambda  bool
	now     func() time.Time

	mu   sync.Mutex
	conn net.Conn
	buf  []byte
}

// NewDaemon sends to an address as AWS_XRAY_DAEMON_ADDRESS has it: "host:port", or
// "tcp:host:port udp:host:port". "": 127.0.0.1:2000.
func NewDaemon(address string) (*DaemonExporter, error) {
	d := &DaemonExporter{address: daemonDefault, now: time.Now}
	for part := range strings.FieldsSeq(address) {
		if strings.HasPrefix(part, "tcp:") {
			continue // for sampling rules, which are not asked for
		}
		d.address = strings.TrimPrefix(part, "udp:")
	}
	if host, port, err := net.SplitHostPort(d.address); err != nil || host == "" || port == "" {
		return nil, fmt.Errorf("trace: the daemon's address %q: want host:port, or tcp:host:port udp:host:port", address)
	}
	return d, nil
}

// Export writes a document for each record.
func (d *DaemonExporter) Export(ctx context.Context, b *Batch) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	doc := segments{lambda: d.lambda}
	doc.describe(b.Resource)
	var lost tally
	for i, r := range b.Records {
		if err := ctx.Err(); err != nil {
			lost.fail(ExportFail, len(b.Records)-i, err)
			break
		}
		if reason, ok := timely(r, d.now()); !ok {
			lost.add(reason, 1)
			continue
		}
		d.buf = doc.append(append(d.buf[:0], daemonPrefix...), r, true)
		if tooLarge(d.buf) {
			lost.add(Shortened, 1)
			d.buf = doc.append(append(d.buf[:0], daemonPrefix...), r, false)
		}
		if tooLarge(d.buf) {
			lost.add(TooLarge, 1)
			continue
		}
		if err := d.write(ctx); err != nil {
			lost.fail(ExportFail, 1, err)
		}
	}
	return lost.result()
}

func tooLarge(datagram []byte) bool {
	return len(datagram) > maxDatagram || len(datagram)-len(daemonPrefix) > maxDocument
}

// write sends the datagram. A first refusal is about an earlier one (nobody
// listened then), so it is tried once more.
func (d *DaemonExporter) write(ctx context.Context) error {
	var errs []error
	for range 2 {
		if d.conn == nil {
			conn, err := (&net.Dialer{}).DialContext(ctx, "udp", d.address)
			if err != nil {
				return fmt.Errorf("trace: the daemon: %w", err)
			}
			d.conn = conn
		}
		_, err := d.conn.Write(d.buf)
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("trace: the daemon: %w", err), d.conn.Close())
		d.conn = nil
	}
	return errors.Join(errs...)
}
