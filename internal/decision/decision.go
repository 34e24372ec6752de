// Package decision holds the shape of every answer Nines gives: a verdict, the
// reasons for it in words, and the numbers it rests on.
//
// A Decision is complete: together with the inputs recorded beside it in the
// ledger it can be recomputed, and must come out the same.
package decision

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Verdict is the outcome of a decision. The zero value is Inconclusive, so a
// verdict nobody set never lets a deployment through.
type Verdict uint8

// The verdicts.
const (
	Inconclusive Verdict = iota
	Pass
	Warn
	Fail
)

// String returns the verdict's name as documents and JSON spell it.
func (v Verdict) String() string {
	switch v {
	case Pass:
		return "pass"
	case Warn:
		return "warn"
	case Fail:
		return "fail"
	case Inconclusive:
	}
	return "inconclusive"
}

// ExitCode is the code `nines gate` ends with: 0 pass, 3 fail, 4 inconclusive,
// 5 warn.
func (v Verdict) ExitCode() int {
	switch v {
	case Pass:
		return 0
	case Fail:
		return 3
	case Warn:
		return 5
	case Inconclusive:
	}
	return 4
}

// WorseThan says whether v weighs more than o when several grounds are put
// together: pass < warn < inconclusive < fail. Not knowing weighs more than a
// warning, because a warning lets a deployment through.
func (v Verdict) WorseThan(o Verdict) bool { return v.weight() > o.weight() }

func (v Verdict) weight() int {
	switch v {
	case Pass:
		return 0
	case Warn:
		return 1
	case Fail:
		return 3
	case Inconclusive:
	}
	return 2
}

// Worst returns the verdict that weighs most; Inconclusive for none, because
// nothing was found out.
func Worst(vs ...Verdict) Verdict {
	if len(vs) == 0 {
		return Inconclusive
	}
	worst := vs[0]
	for _, v := range vs[1:] {
		if v.WorseThan(worst) {
			worst = v
		}
	}
	return worst
}

// ParseVerdict reads a verdict's name.
func ParseVerdict(s string) (Verdict, error) {
	for _, v := range []Verdict{Inconclusive, Pass, Warn, Fail} {
		if s == v.String() {
			return v, nil
		}
	}
	return Inconclusive, fmt.Errorf("unknown verdict %q; it is one of pass, warn, fail, inconclusive", s)
}

// MarshalText implements encoding.TextMarshaler.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (v *Verdict) UnmarshalText(b []byte) error {
	got, err := ParseVerdict(string(b))
	*v = got
	return err
}

// Reason is one ground of a decision: a stable code for machines, a sentence
// for people.
type Reason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Evidence is one number a decision rests on. A nil Value could not be known.
type Evidence struct {
	Name  string   `json:"name"`
	Value *float64 `json:"value"`
	Unit  string   `json:"unit"`
}

// Decision is one answer, complete with its grounds.
type Decision struct {
	ID          string     `json:"id"` // the ledger entry's; empty until recorded
	Subject     string     `json:"subject"`
	Verdict     Verdict    `json:"verdict"`
	Reasons     []Reason   `json:"reasons"`
	Evidence    []Evidence `json:"evidence"`
	Policy      string     `json:"policy"`
	At          time.Time  `json:"at"`
	InputDigest string     `json:"input_digest"`
}

// Digest returns the hex SHA-256 of v's canonical JSON (struct fields in
// declaration order, map keys sorted, as encoding/json writes them).
func Digest(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("digest: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}
