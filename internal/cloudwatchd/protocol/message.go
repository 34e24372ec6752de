package protocol

// Struct is an answer, or a part of one: named members in order.
type Struct []Field

// Field is a member. Its value is a string, bool, int64, float64, [Stamp],
// []Stamp, []float64, []string, Struct, []Struct, or Map.
type Field struct {
	Name  string
	Value any
}

// Map is a map from names to values; the Query protocol writes it as entries.
type Map []Field

// Stamp is an instant in Unix seconds.
type Stamp int64

// Error is an answer that is an error.
type Error struct {
	Shape   string // the modeled name: InvalidParameterValueException
	Code    string // the Query protocol's name of it: InvalidParameterValue
	Message string
	Status  int  // HTTP
	Server  bool // the server's fault, else the sender's
}

// Error returns code and message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

func (e *Error) fault() string {
	if e.Server {
		return "Receiver"
	}
	return "Sender"
}

// Codec is one of the three protocols.
type Codec uint8

// The protocols.
const (
	CBOR Codec = iota
	JSON
	Query
)

// String names the protocol.
func (c Codec) String() string { return [...]string{"rpc-v2-cbor", "aws-json-1.0", "aws-query"}[c] }

// ContentType is that of answers.
func (c Codec) ContentType() string {
	return [...]string{"application/cbor", "application/x-amz-json-1.0", "text/xml"}[c]
}

// malformed is the error of bodies that cannot be read.
func malformed(text string) *Error {
	return &Error{Shape: "SerializationException", Code: "MalformedInput", Message: text, Status: 400}
}
