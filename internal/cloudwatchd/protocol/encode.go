package protocol

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"math"
	"strconv"
	"time"
)

// namespace is that of XML answers.
const namespace = "http://monitoring.amazonaws.com/doc/2010-08-01/"

// Encode writes an answer; a nil one, of operations without a result, is empty.
func Encode(c Codec, operation, requestID string, answer Struct) []byte {
	switch c {
	case CBOR:
		if answer == nil {
			return nil
		}
		return appendCBOR(nil, answer)
	case JSON:
		return appendJSON(nil, answer)
	case Query:
	}
	b := []byte("<" + operation + `Response xmlns="` + namespace + `">`)
	if answer != nil {
		b = append(b, "<"+operation+"Result>"...)
		b = appendXML(b, answer)
		b = append(b, "</"+operation+"Result>"...)
	}
	return append(b, "<ResponseMetadata><RequestId>"+requestID+"</RequestId></ResponseMetadata></"+operation+"Response>"...)
}

// EncodeError writes an error.
func EncodeError(c Codec, requestID string, e *Error) []byte {
	if c == Query {
		b := []byte(`<ErrorResponse xmlns="` + namespace + `"><Error>`)
		b = appendXML(b, Struct{{"Type", e.fault()}, {"Code", e.Code}, {"Message", e.Message}})
		return append(b, "</Error><RequestId>"+requestID+"</RequestId></ErrorResponse>"...)
	}
	// Some shapes are modeled with a capital letter; clients ignore the other.
	body := Struct{{"__type", "com.amazonaws.cloudwatch#" + e.Shape}, {"message", e.Message}, {"Message", e.Message}}
	if c == JSON {
		return appendJSON(nil, body)
	}
	return appendCBOR(nil, body)
}

// QueryError is the header that tells clients of the newer protocols the code
// they knew from the Query protocol.
func (e *Error) QueryError() string { return e.Code + ";" + e.fault() }

const (
	majorUint     = 0 << 5
	majorNegative = 1 << 5
	majorText     = 3 << 5
	majorArray    = 4 << 5
	majorMap      = 5 << 5
)

func head(b []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n <= math.MaxUint8:
		return append(b, major|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}

func cborFloat(b []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(b, 0xfb), math.Float64bits(f))
}

func cborStamp(b []byte, s Stamp) []byte { return cborFloat(append(b, 0xc1), float64(s)) }

func cborText(b []byte, s string) []byte { return append(head(b, majorText, uint64(len(s))), s...) }

func appendCBOR(b []byte, v any) []byte {
	switch v := v.(type) {
	case Struct:
		b = head(b, majorMap, uint64(len(v)))
		for _, f := range v {
			b = appendCBOR(cborText(b, f.Name), f.Value)
		}
	case Map:
		return appendCBOR(b, Struct(v))
	case []Struct:
		return cborList(b, v, func(b []byte, s Struct) []byte { return appendCBOR(b, s) })
	case []string:
		return cborList(b, v, cborText)
	case []float64:
		return cborList(b, v, cborFloat)
	case []Stamp:
		return cborList(b, v, cborStamp)
	case string:
		return cborText(b, v)
	case Stamp:
		return cborStamp(b, v)
	case float64:
		return cborFloat(b, v)
	case int64:
		return cborInt(b, v)
	case bool:
		return append(b, 0xf4+boolByte(v))
	default:
		return append(b, 0xf6)
	}
	return b
}

func cborInt(b []byte, v int64) []byte {
	if v < 0 {
		return head(b, majorNegative, uint64(-1-v))
	}
	return head(b, majorUint, uint64(v))
}

func boolByte(v bool) byte {
	if v {
		return 1
	}
	return 0
}

func cborList[T any](b []byte, list []T, one func([]byte, T) []byte) []byte {
	b = head(b, majorArray, uint64(len(list)))
	for _, v := range list {
		b = one(b, v)
	}
	return b
}

func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case Struct:
		b = append(b, '{')
		for i, f := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(jsonText(b, f.Name), ':')
			b = appendJSON(b, f.Value)
		}
		return append(b, '}')
	case Map:
		return appendJSON(b, Struct(v))
	case []Struct:
		return jsonList(b, v, func(b []byte, s Struct) []byte { return appendJSON(b, s) })
	case []string:
		return jsonList(b, v, jsonText)
	case []float64:
		return jsonList(b, v, number)
	case []Stamp:
		return jsonList(b, v, func(b []byte, s Stamp) []byte { return strconv.AppendInt(b, int64(s), 10) })
	case string:
		return jsonText(b, v)
	case Stamp:
		return strconv.AppendInt(b, int64(v), 10)
	case float64:
		return number(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case bool:
		return strconv.AppendBool(b, v)
	}
	return append(b, "null"...)
}

func number(b []byte, f float64) []byte { return strconv.AppendFloat(b, f, 'g', -1, 64) }

func jsonText(b []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil { // strings cannot fail
		return append(b, `""`...)
	}
	return append(b, quoted...)
}

func jsonList[T any](b []byte, list []T, one func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(b, v)
	}
	return append(b, ']')
}

func appendXML(b []byte, v any) []byte {
	switch v := v.(type) {
	case Struct:
		for _, f := range v {
			b = append(b, "<"+f.Name+">"...)
			b = appendXML(b, f.Value)
			b = append(b, "</"+f.Name+">"...)
		}
		return b
	case Map:
		for _, f := range v {
			b = append(b, "<entry>"...)
			b = appendXML(b, Struct{{"key", f.Name}, {"value", f.Value}})
			b = append(b, "</entry>"...)
		}
		return b
	case []Struct:
		return xmlList(b, v)
	case []string:
		return xmlList(b, v)
	case []float64:
		return xmlList(b, v)
	case []Stamp:
		return xmlList(b, v)
	case string:
		var out bytes.Buffer
		_ = xml.EscapeText(&out, []byte(v)) // a buffer does not fail
		return append(b, out.Bytes()...)
	case Stamp:
		return time.Unix(int64(v), 0).UTC().AppendFormat(b, "2006-01-02T15:04:05Z")
	}
	return appendJSON(b, v)
}

func xmlList[T any](b []byte, list []T) []byte {
	for _, v := range list {
		b = append(b, "<member>"...)
		b = appendXML(b, v)
		b = append(b, "</member>"...)
	}
	return b
}
