package openslo

// Shape is what a value must look like: a row of a table that the check, the
// messages and the JSON Schema are all made from.
type Shape struct {
	// Type is the sort of value. Null stands for any value at all.
	Type NodeKind
	// Doc says what the value is for; editors show it.
	Doc string
	// Loose accepts a number or a boolean where a string is meant, with a
	// warning: labels and annotations in the wild are often not quoted.
	Loose bool

	// Scalars.
	Format *Format
	Enum   []string

	// Lists. Max 0 is no limit.
	Item     *Shape
	Min, Max int

	// Mappings with known fields, or with free keys of Key's format.
	Fields []Field
	Values *Shape
	Key    *Format
	Groups []Group

	// Or are further ways to write the value, told apart by their Type.
	Or []*Shape
	// Name makes the shape a definition of its own in the JSON Schema.
	Name string
}

// Field is one known field of a mapping.
type Field struct {
	Name     string
	Shape    *Shape
	Required bool
	// Advised is the warning for leaving the field out; "" for none.
	Advised string
}

// Group is a set of fields of which at most one may stand.
type Group struct {
	Fields   []string
	Required bool // exactly one
	Hint     string
}

// Format is a rule for the text of a scalar. Check returns what is wrong, and
// what to write instead; "" accepts.
type Format struct {
	Name    string
	Pattern string // the same rule as an ECMA regular expression, for editors
	Check   func(text string) (msg, hint string)
	// Limits are keywords of JSON Schema that say the same, for editors.
	Limits map[string]any
}

func newFormat(name, pattern string, check func(string) (string, string)) *Format {
	return &Format{Name: name, Pattern: pattern, Check: check}
}

// names lists the names of the fields.
func (s *Shape) names() []string {
	out := make([]string, len(s.Fields))
	for i, f := range s.Fields {
		out[i] = f.Name
	}
	return out
}

func (s *Shape) field(name string) *Field {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return &s.Fields[i]
		}
	}
	return nil
}

// Any is every value.
func Any(doc string) *Shape { return &Shape{Doc: doc} }

// Text is a string of a format (nil: any).
func Text(doc string, f *Format) *Shape { return &Shape{Type: String, Doc: doc, Format: f} }

// Num is a number of a format (nil: any).
func Num(doc string, f *Format) *Shape { return &Shape{Type: Number, Doc: doc, Format: f} }

// Flag is true or false.
func Flag(doc string) *Shape { return &Shape{Type: Bool, Doc: doc} }

// OneOf is one of a few words.
func OneOf(doc string, words ...string) *Shape { return &Shape{Type: String, Doc: doc, Enum: words} }

// ListOf is a list of at least minimum items.
func ListOf(doc string, minimum int, item *Shape) *Shape {
	return &Shape{Type: List, Doc: doc, Item: item, Min: minimum}
}

// Object is a mapping with known fields.
func Object(doc string, fields ...Field) *Shape { return &Shape{Type: Map, Doc: doc, Fields: fields} }

// MapOf is a mapping with free keys.
func MapOf(doc string, values *Shape) *Shape { return &Shape{Type: Map, Doc: doc, Values: values} }

// Need is a required field.
func Need(name string, s *Shape) Field { return Field{Name: name, Shape: s, Required: true} }

// May is an optional field.
func May(name string, s *Shape) Field { return Field{Name: name, Shape: s} }
