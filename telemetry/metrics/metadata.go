package metrics

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/jsonx"
)

// metadatum is a member of the documents that is no metric and no dimension.
type metadatum struct {
	key    string
	member []byte // `,"key":value`
}

// Metadata adds a member to the documents of the invocation, for searching in the
// logs: it costs no metric. A later value of a key replaces an earlier one; it is
// forgotten with the flush. Documents that were written before do not have it.
//
// The value is encoded at once. A key that is empty, "_aws", or the name of a
// metric or a dimension is dropped and counted ([BadMetadata]), whichever of the
// two comes first.
func (r *Registry) Metadata(ctx context.Context, key string, value any) {
	if r.off {
		return
	}
	rec := r.recorder(ctx)
	key = strings.ToValidUTF8(key, "\uFFFD")
	if key == "" || r.taken(key) {
		rec.drop(BadMetadata, 1, key)
		return
	}
	member := append(jsonx.AppendString([]byte{','}, key), ':')
	if !rec.metadata(metadatum{strings.Clone(key), appendValue(member, value)}) {
		rec.drop(MetadataSize, 1, key)
	}
}

// metadata keeps a member; false: there is no room.
func (rec *recorder) metadata(m metadatum) bool {
	st := rec.open()
	defer rec.mu.Unlock()
	at := slices.IndexFunc(st.metadata, func(old metadatum) bool { return old.key == m.key })
	size := st.size + len(m.member)
	if at >= 0 {
		size -= len(st.metadata[at].member)
	}
	if size > rec.reg.limit/4 {
		return false
	}
	st.size = size
	if at >= 0 {
		st.metadata[at] = m
	} else {
		st.metadata = append(st.metadata, m)
	}
	return true
}

// encodeMetadata renders the metadata, without what has since become a metric's or
// a dimension's name.
func (rec *recorder) encodeMetadata(st *state) {
	st.tail = st.tail[:0]
	kept := st.metadata[:0]
	for _, m := range st.metadata {
		if rec.reg.taken(m.key) {
			rec.drop(BadMetadata, 1, m.key)
			continue
		}
		kept = append(kept, m)
		st.tail = append(st.tail, m.member...)
	}
	st.metadata = kept
}

// appendValue encodes the usual types without reflection.
func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		return jsonx.AppendString(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return jsonx.AppendFloat(b, v)
	case time.Time:
		return jsonx.AppendTime(b, v)
	case time.Duration:
		return jsonx.AppendString(b, v.String())
	case error:
		return jsonx.AppendString(b, errorText(v))
	default:
		return jsonx.AppendAny(b, v)
	}
}

// errorText is the error's text, also of one that panics.
func errorText(err error) (s string) {
	defer func() {
		if recover() != nil {
			s = "!PANIC in Error"
		}
	}()
	return err.Error()
}
