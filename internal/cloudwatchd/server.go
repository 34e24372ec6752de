package cloudwatchd

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/protocol"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

// Server is a local CloudWatch. It is an [http.Handler]; all its methods may be
// called at once.
type Server struct {
	cfg     Config
	store   *store.Store
	clock   *Clock
	faults  faults
	late    lateData
	journal journal
	meter   meter
	emf     emfCounts
}

// New builds a server; see [Config]. Close it when done.
func New(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Clock == nil {
		return nil, errors.New("cloudwatchd: Config.Clock is required")
	}
	cfg = cfg.withDefaults()
	st, err := store.Open(ctx, cfg.Path)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, store: st, clock: &Clock{real: cfg.Clock}}
	s.journal.reset()
	s.emf.reset()
	return s, nil
}

// Clock is the server's clock, to be read and set.
func (s *Server) Clock() *Clock { return s.clock }

// Close puts data that were held back as late into the store, and closes it.
func (s *Server) Close(ctx context.Context) error {
	err := s.late.release(func(h held) error { return s.store.Put(ctx, h.place, h.data) }, nil)
	return errors.Join(err, s.store.Close())
}

// maxOwn is the greatest body of the endpoints that are not CloudWatch's.
const maxOwn = 64 << 20

// ServeHTTP answers CloudWatch's operations on any path, and beside them
// /emf (embedded-metric-format lines) and /_nines/ (clock, faults, requests).
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/emf":
		s.serveEMF(w, r)
	case strings.HasPrefix(r.URL.Path, controlPrefix):
		s.serveControl(w, r)
	default:
		s.serveAPI(w, r)
	}
}

// call is one request on its way through the server.
type call struct {
	place store.Place
	now   time.Time // of the server's clock
	args  protocol.Args
	op    string
	entry *Entry
	// answers of GetMetricData may be spoiled by these faults
	spoil []*rule
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	id := requestID()
	req, fail := protocol.Read(r)
	entry := Entry{At: s.cfg.Clock(), Operation: req.Operation, Protocol: req.Codec.String(), ID: id}
	var answer protocol.Struct
	var cut bool
	if fail == nil {
		c := &call{place: s.caller(r), now: s.clock.Now(), args: req.Args, op: req.Operation, entry: &entry}
		entry.Account, entry.Region = c.place.Account, c.place.Region
		answer, cut, fail = s.perform(r.Context(), c)
	}
	h := w.Header()
	h.Set("Content-Type", req.Codec.ContentType())
	h.Set("X-Amzn-Requestid", id)
	if req.Codec == protocol.CBOR {
		h.Set("Smithy-Protocol", "rpc-v2-cbor")
	}
	entry.Status = http.StatusOK
	var body []byte
	if fail != nil {
		entry.Status, entry.Error = fail.Status, fail.Code
		h.Set("X-Amzn-Query-Error", fail.QueryError())
		body = protocol.EncodeError(req.Codec, id, fail)
	} else {
		body = protocol.Encode(req.Codec, req.Operation, id, answer)
	}
	entry.Bytes = len(body)
	s.journal.add(entry)
	if req.Codec == protocol.CBOR && body == nil {
		h.Del("Content-Type")
	}
	h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(entry.Status)
	if cut {
		_, _ = w.Write(body[:len(body)/2]) //nolint:gosec // the answer of an API, escaped and of a type no browser renders
		panic(http.ErrAbortHandler)        // how net/http breaks a connection off
	}
	if _, err := w.Write(body); err != nil { //nolint:gosec // the answer of an API, escaped and of a type no browser renders
		s.cfg.Log.LogAttrs(r.Context(), slog.LevelDebug, "answer not delivered", slog.String("operation", req.Operation), slog.Any("error", err))
	}
}

// perform runs an operation with the faults that apply to it. cut says that the
// answer is to be broken off in the middle.
func (s *Server) perform(ctx context.Context, c *call) (answer protocol.Struct, cut bool, fail *protocol.Error) {
	s.deliverLate(ctx, c.now)
	for _, r := range s.faults.forCall(c.op) {
		switch r.Kind {
		case Latency:
			s.cfg.Sleep(ctx, r.Delay.Duration())
		case Throttle, Internal, Failure:
			return nil, false, r.asError()
		case Cut:
			cut = true
		case Partial, RowError, Forbidden, Stray, ShortPage:
			c.spoil = append(c.spoil, r)
		case Late, Drop:
		}
	}
	answer, fail = s.dispatch(ctx, c)
	if err := c.args.Err(); err != nil && fail == nil {
		fail = err
	}
	if fail != nil && fail.Server {
		s.cfg.Log.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("operation", c.op), slog.String("error", fail.Message))
	}
	return answer, cut, fail
}

func (s *Server) dispatch(ctx context.Context, c *call) (protocol.Struct, *protocol.Error) {
	switch c.op {
	case "PutMetricData":
		return nil, s.putMetricData(ctx, c)
	case "GetMetricData":
		return s.getMetricData(c)
	case "GetMetricStatistics":
		return s.getMetricStatistics(c)
	case "ListMetrics":
		return s.listMetrics(c)
	}
	for name := range strings.FieldsSeq(otherOperations) {
		if name == c.op {
			return nil, unsupported(c.op)
		}
	}
	return nil, unknown(c.op)
}

// otherOperations are CloudWatch's operations that are not here.
const otherOperations = `AssociateDatasetKmsKey CreateResourceMetricsConfiguration DeleteAlarmMuteRule DeleteAlarms
	DeleteAnomalyDetector DeleteDashboards DeleteInsightRules DeleteMetricStream DeleteResourceMetricsConfiguration
	DescribeAlarmContributors DescribeAlarmHistory DescribeAlarms DescribeAlarmsForMetric DescribeAnomalyDetectors
	DescribeInsightRules DisableAlarmActions DisableInsightRules DisassociateDatasetKmsKey EnableAlarmActions
	EnableInsightRules GetAlarmMuteRule GetDashboard GetDataset GetInsightRuleReport GetMetricStream GetMetricWidgetImage
	GetOTelEnrichment GetResourceMetricsConfiguration ListAlarmMuteRules ListDashboards ListManagedInsightRules
	ListMetricStreams ListTagsForResource PutAlarmMuteRule PutAnomalyDetector PutCompositeAlarm PutDashboard
	PutInsightRule PutLogAlarm PutManagedInsightRules PutMetricAlarm PutMetricStream SetAlarmState StartMetricStreams
	StartOTelEnrichment StopMetricStreams StopOTelEnrichment TagResource UntagResource UpdateOTelEnrichment
	UpdateResourceMetricsConfiguration`

// requestID returns a fresh UUID.
func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
