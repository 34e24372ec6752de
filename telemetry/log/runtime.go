package log

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"

	"gitlab.com/nines-sre/nines/telemetry/internal/jsonx"
)

// reportPrefix is how the lines begin in which aws-lambda-go tells of an invocation
// that failed. It writes them through package log, as JSON without a level, so that
// Lambda takes them for INFO. After slog.SetDefault they come by here.
const reportPrefix = `{"errorMessage":`

// isReport says whether a record is such a line.
func isReport(r *slog.Record) bool {
	return r.Level == slog.LevelInfo && strings.HasPrefix(r.Message, reportPrefix) && json.Valid([]byte(r.Message))
}

// report writes it as what it is: an error, with its type, its text and its stack.
func (h *Handler) report(ctx context.Context, r *slog.Record) {
	if !h.core.enabled(ctx, slog.LevelError) {
		return
	}
	var message, name, location string
	var stack []byte
	for c := (cursor{b: []byte(r.Message), i: 1}); ; {
		key, ok := c.next()
		if !ok {
			break
		}
		value, ok := c.value()
		if !ok {
			break
		}
		switch string(key) {
		case "errorMessage":
			message = text(value)
		case "errorType":
			name = text(value)
		case "stackTrace":
			stack, location = value, topFrame(value)
		}
	}
	top := *h
	top.groups = nil // the report is nobody's group's
	e := h.core.encoder(ctx, &top)
	e.key("error")
	e.node(name, message, location)
	if len(stack) > 0 {
		e.b = append(e.b, `,"stack":`...)
		e.b = append(jsonx.AppendAny(e.b, json.RawMessage(stack)), '}')
	} else {
		e.b = append(e.b, '}')
	}
	h.core.emit(e.inv, slog.LevelError, e.finish(slog.LevelError, "the invocation failed", h.at(r)))
	e.release()
}

// topFrame is the place of a stack's first frame.
func topFrame(stack []byte) string {
	frames := elements(stack)
	if len(frames) == 0 {
		return ""
	}
	var path, line string
	for _, s := range split(frames[0], 1, nil) {
		value := frames[0][s.keyEnd+2 : s.end]
		switch string(frames[0][s.key:s.keyEnd]) {
		case "path":
			path = text(value)
		case "line":
			line = string(value)
		}
	}
	return short(path) + ":" + line
}
