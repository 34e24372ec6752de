package protocol

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

const (
	// MaxBody is the greatest size of a request's body as sent.
	MaxBody = 1 << 20
	// maxUnpacked bounds what a compressed body may grow to.
	maxUnpacked = 32 << 20
)

const (
	servicePath  = "/service/GraniteServiceVersion20100801/operation/"
	targetPrefix = "GraniteServiceVersion20100801."
)

// Request is a decoded request.
type Request struct {
	Codec     Codec
	Operation string
	Args      Args
}

// Read tells the protocol of a request and decodes it. With an error, codec and
// operation are set as far as they are known, so that it can be answered.
func Read(r *http.Request) (Request, *Error) {
	var req Request
	switch {
	case strings.EqualFold(r.Header.Get("Smithy-Protocol"), "rpc-v2-cbor"):
		op, ok := strings.CutPrefix(r.URL.Path, servicePath)
		if !ok {
			return req, &Error{Shape: "UnknownOperationException", Code: "InvalidAction", Message: "the path is not that of a CloudWatch operation: " + r.URL.Path, Status: http.StatusNotFound}
		}
		req.Codec, req.Operation = CBOR, op
	case r.Header.Get("X-Amz-Target") != "":
		req.Codec = JSON
		op, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
		if !ok {
			return req, &Error{Shape: "UnknownOperationException", Code: "InvalidAction", Message: "X-Amz-Target does not begin with " + targetPrefix, Status: http.StatusBadRequest}
		}
		req.Operation = op
	default:
		req.Codec = Query
	}
	body, err := readBody(r)
	if err != nil {
		return req, err
	}
	members, err := decode(&req, r, body)
	req.Args = Args{members: members, state: &state{forms: req.Codec == Query}}
	return req, err
}

func decode(req *Request, r *http.Request, body []byte) (map[string]any, *Error) {
	switch req.Codec {
	case CBOR:
		return decodeCBOR(body)
	case JSON:
		return decodeJSON(body)
	case Query:
	}
	form, err := url.ParseQuery(r.URL.RawQuery)
	if err == nil && r.Method != http.MethodGet {
		var posted url.Values
		posted, err = url.ParseQuery(string(body))
		for k, v := range posted {
			form[k] = append(form[k], v...)
		}
	}
	if err != nil {
		return nil, malformed(err.Error())
	}
	req.Operation = form.Get("Action")
	if req.Operation == "" {
		return nil, &Error{Shape: "MissingAction", Code: "MissingAction", Message: "the request names no Action, and is of no protocol CloudWatch speaks", Status: http.StatusBadRequest}
	}
	return decodeForm(form)
}

func readBody(r *http.Request) ([]byte, *Error) {
	if r.Body == nil {
		return nil, nil
	}
	tooLarge := &Error{Shape: "RequestEntityTooLargeException", Code: "RequestEntityTooLarge", Message: "Request size exceeded: a request may have 1 MB", Status: http.StatusRequestEntityTooLarge}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	if err != nil {
		return nil, malformed("the body could not be read: " + err.Error())
	}
	if len(body) > MaxBody {
		return nil, tooLarge
	}
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "", "identity", "aws-chunked":
		return body, nil
	case "gzip":
	default:
		return nil, malformed("Content-Encoding " + r.Header.Get("Content-Encoding") + " is not known; gzip is")
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, malformed("the body is not gzip: " + err.Error())
	}
	unpacked, err := io.ReadAll(io.LimitReader(z, maxUnpacked+1))
	if err != nil {
		return nil, malformed("the body is not gzip: " + err.Error())
	}
	if len(unpacked) > maxUnpacked {
		return nil, tooLarge
	}
	return unpacked, nil
}

func decodeCBOR(body []byte) (map[string]any, *Error) {
	if len(body) == 0 {
		return nil, nil
	}
	mode, err := cbor.DecOptions{
		DupMapKey:       cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels: 32,
		DefaultMapType:  reflect.TypeFor[map[string]any](),
		TimeTagToAny:    cbor.TimeTagToTime,
		IntDec:          cbor.IntDecConvertNone,
	}.DecMode()
	if err != nil {
		return nil, malformed(err.Error())
	}
	var v any
	if err := mode.Unmarshal(body, &v); err != nil {
		return nil, malformed("the body is not CBOR: " + err.Error())
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, malformed("the body must be a map")
	}
	return m, nil
}

func decodeJSON(body []byte) (map[string]any, *Error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, malformed("the body is not a JSON object: " + err.Error())
	}
	return m, nil
}

// decodeForm turns names like MetricData.member.1.Value into lists and maps.
func decodeForm(form url.Values) (map[string]any, *Error) {
	root := map[string]any{}
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := place(root, strings.Split(name, "."), form[name][0]); err != nil {
			return nil, malformed(fmt.Sprintf("parameter %q: %v", name, err))
		}
	}
	lists, ok := withLists(root).(map[string]any)
	if !ok {
		return nil, malformed("a parameter is named member")
	}
	return lists, nil
}

var errTwice = errors.New("it is a value and a structure at once")

func place(m map[string]any, path []string, value string) error {
	if len(path) > 16 {
		return errors.New("it is nested too deep")
	}
	for _, part := range path[:len(path)-1] {
		next, exists := m[part]
		if !exists {
			next = map[string]any{}
			m[part] = next
		}
		inner, ok := next.(map[string]any)
		if !ok {
			return errTwice
		}
		m = inner
	}
	last := path[len(path)-1]
	if _, exists := m[last]; exists {
		return errTwice
	}
	m[last] = value
	return nil
}

// withLists replaces {member: {1: a, 2: b}} by [a, b], all the way down.
func withLists(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	for k, inner := range m {
		m[k] = withLists(inner)
	}
	members, ok := m["member"].(map[string]any)
	if !ok || len(m) != 1 {
		return m
	}
	numbers := make([]int, 0, len(members))
	for k := range members {
		n, err := strconv.Atoi(k)
		if err != nil {
			return m
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	list := make([]any, 0, len(numbers))
	for _, n := range numbers {
		list = append(list, members[strconv.Itoa(n)])
	}
	return list
}
