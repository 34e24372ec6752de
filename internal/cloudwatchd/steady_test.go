package cloudwatchd_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// steady is a client whose requests can only be read. The SDK closes a request's
// body as soon as the answer begins; its body's WriteTo then says io.EOF, where
// it should say nothing, and net/http takes that for a request that failed and
// closes the connection below an answer that is still read ("use of closed
// network connection"). It happens to requests that do not fit into one buffer,
// when their sender is slower than the answer.
type steady struct{ *http.Client }

// Do sends a request without letting its body write itself.
func (s steady) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return s.Client.Do(r)
}

// slowConn lingers after each write, so that the answer begins before the sender
// has finished, and reads in small steps.
type slowConn struct{ net.Conn }

func (c slowConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	time.Sleep(20 * time.Millisecond)
	return n, err
}

func (c slowConn) Read(p []byte) (int, error) {
	time.Sleep(10 * time.Millisecond)
	return c.Conn.Read(p[:min(len(p), 4<<10)])
}

// A long question whose answer begins early is answered whole.
func TestLongQuestions(t *testing.T) {
	b := start(t)
	for i := range 100 {
		b.put(datum("m", noon.Add(-time.Duration(i)*time.Minute), 1))
	}
	var queries []types.MetricDataQuery
	for i := range 100 {
		queries = append(queries, ask(fmt.Sprintf("q%d", i), "m", "Sum", 60, dim("some", fmt.Sprintf("value %d of a dimension", i*7919))))
	}
	queries = append(queries, ask("all", "m", "Sum", 60))
	slow := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		return slowConn{c}, err
	}}}
	t.Cleanup(slow.CloseIdleConnections)
	cw := b.client("eu-west-1", "AKIDEXAMPLE", func(o *cloudwatch.Options) { o.HTTPClient, o.DisableRequestCompression = steady{slow}, true })
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			out, err := cw.GetMetricData(t.Context(), window(noon.Add(-2*time.Hour), noon, queries...))
			if err != nil {
				t.Error(err)
			} else if n := len(out.MetricDataResults[100].Values); n != 99 {
				t.Errorf("%d values, want 99", n)
			}
		})
	}
	readers.Wait()
}
