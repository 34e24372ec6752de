package dynamodbd

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Server is a local DynamoDB. It is safe for concurrent use.
type Server struct {
	now    func() time.Time
	mu     sync.Mutex
	tables map[string]*table
	tokens map[string]token // answered transactions, by ClientRequestToken
	spent  Units
}

// token is an answered transaction, which is not done again for ten minutes.
type token struct {
	at     time.Time
	digest uint32
}

// Units counts capacity: strongly consistent reads of 4 KB, writes of 1 KB, and
// requests.
type Units struct {
	Reads, Writes float64
	Requests      int
}

// New returns an empty service; now tells its time.
func New(now func() time.Time) *Server {
	return &Server{now: now, tables: map[string]*table{}, tokens: map[string]token{}}
}

// Spent returns what all requests have cost since the start, those whose
// condition failed included, which the service bills but does not report.
func (s *Server) Spent() Units {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spent
}

// failure is an error as the service names it.
type failure struct {
	code    string
	message string
	fields  map[string]any
}

func invalid(text string) *failure { return &failure{code: "ValidationException", message: text} }

func invalidf(format string, args ...any) *failure { return invalid(fmt.Sprintf(format, args...)) }

const (
	target  = "DynamoDB_20120810."
	typedAs = "com.amazonaws.dynamodb.v20120810#"
	// maxBody is the largest request the service takes.
	maxBody = 16 << 20
)

// operation is one of the service's.
type operation func(s *Server, body []byte) (any, *failure)

func operations() map[string]operation {
	return map[string]operation{
		"CreateTable": with((*Server).createTable), "DescribeTable": with((*Server).describeTable),
		"DeleteTable": with((*Server).deleteTable), "ListTables": with((*Server).listTables), "UpdateTable": with((*Server).updateTable),
		"UpdateTimeToLive": with((*Server).updateTimeToLive), "DescribeTimeToLive": with((*Server).describeTimeToLive),
		"UpdateContinuousBackups":   with((*Server).updateContinuousBackups),
		"DescribeContinuousBackups": with((*Server).describeContinuousBackups),
		"PutItem":                   with((*Server).putItem), "DeleteItem": with((*Server).deleteItem), "GetItem": with((*Server).getItem),
		"BatchGetItem": with((*Server).batchGetItem), "Query": with((*Server).query), "TransactWriteItems": with((*Server).transactWriteItems),
	}
}

// with reads a request's body into its own type.
func with[T any](call func(*Server, *T) (any, *failure)) operation {
	return func(s *Server, body []byte) (any, *failure) {
		var in T
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, &failure{code: "SerializationException", message: err.Error()}
		}
		return call(s, &in)
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return // the caller is gone
	}
	name, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), target)
	call, ok := operations()[name]
	var out any
	var fail *failure
	switch {
	case !ok:
		fail = &failure{code: "UnknownOperationException", message: "there is no operation " + name}
	case r.Header.Get("Authorization") == "":
		fail = &failure{code: "MissingAuthenticationTokenException", message: "Missing Authentication Token"}
	case len(body) > maxBody:
		fail = invalid("the request is larger than 16 MB")
	default:
		s.mu.Lock()
		s.spent.Requests++
		out, fail = call(s, body)
		s.mu.Unlock()
	}
	answer(w, out, fail)
}

func answer(w http.ResponseWriter, out any, fail *failure) {
	status := http.StatusOK
	if fail != nil {
		status = http.StatusBadRequest
		fields := map[string]any{"__type": typedAs + fail.code, "message": fail.message}
		maps.Copy(fields, fail.fields)
		out = fields
	}
	data, err := json.Marshal(out)
	if err != nil {
		status, data = http.StatusInternalServerError, []byte(`{"__type":"InternalServerError"}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-amz-json-1.0")
	h.Set("X-Amzn-Requestid", rand.Text())
	h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(data)), 10))
	w.WriteHeader(status)
	_, _ = w.Write(data) // a caller that is gone has no use for it
}
