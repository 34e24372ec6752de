package cost

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

//go:embed prices.json
var embedded []byte

// Item is a thing that is billed.
type Item string

// The items of a price file.
const (
	MetricRequested Item = "cloudwatch_metric_requested"
	StreamUpdate    Item = "cloudwatch_stream_update"
	Alarm           Item = "cloudwatch_alarm"
	CompositeAlarm  Item = "cloudwatch_composite_alarm"
	CustomMetric    Item = "cloudwatch_custom_metric"
	WriteUnit       Item = "dynamodb_write_unit"
	ReadUnit        Item = "dynamodb_read_unit"
	LambdaGBSecond  Item = "lambda_gb_second"
	LambdaRequest   Item = "lambda_request"
)

// Price is what Per of an item cost.
type Price struct {
	Per    float64 `json:"per"`
	Price  float64 `json:"price"`
	Source string  `json:"source"`
	// Verified says that the figure was read on the vendor's own page, and not
	// only where others quote it.
	Verified bool `json:"verified"`
}

// Prices is a price file.
type Prices struct {
	Date     string         `json:"date"` // 2006-01-02
	Region   string         `json:"region"`
	Currency string         `json:"currency"`
	Note     string         `json:"note,omitempty"`
	Prices   map[Item]Price `json:"prices"`
}

// Default returns the price file the program carries.
func Default() (Prices, error) { return ParsePrices(embedded) }

// ParsePrices reads a price file. Every item must be there: prices of two files,
// and so of two dates, are never mixed.
func ParsePrices(raw []byte) (Prices, error) {
	var p Prices
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return Prices{}, fmt.Errorf("price file: %w", err)
	}
	if dec.More() {
		return Prices{}, errors.New("price file: something follows the prices")
	}
	if _, err := time.Parse(time.DateOnly, p.Date); err != nil {
		return Prices{}, fmt.Errorf("price file: date %q is not written 2006-01-02", p.Date)
	}
	for _, item := range items() {
		price, ok := p.Prices[item]
		if !ok {
			return Prices{}, fmt.Errorf("price file: %s is missing; copy it from `nines cost --print-prices`", item)
		}
		if price.Per <= 0 || price.Price < 0 {
			return Prices{}, fmt.Errorf("price file: %s costs %v per %v, which is no price", item, price.Price, price.Per)
		}
	}
	for _, item := range slices.Sorted(maps.Keys(p.Prices)) {
		if !slices.Contains(items(), item) {
			return Prices{}, fmt.Errorf("price file: %s is not an item Nines knows", item)
		}
	}
	return p, nil
}

func items() []Item {
	return []Item{MetricRequested, StreamUpdate, Alarm, CompositeAlarm, CustomMetric, WriteUnit, ReadUnit, LambdaGBSecond, LambdaRequest}
}

// keptFresh is how old a price file may be before its reader is warned.
const keptFresh = 365 * 24 * time.Hour

// Stale says whether the prices are older than a year at an instant.
func (p Prices) Stale(now time.Time) bool {
	at, err := time.Parse(time.DateOnly, p.Date)
	return err != nil || now.Sub(at) > keptFresh
}

// Unverified are the items whose price was not read on the vendor's own page,
// sorted.
func (p Prices) Unverified() []Item {
	var out []Item
	for _, item := range slices.Sorted(maps.Keys(p.Prices)) {
		if !p.Prices[item].Verified {
			out = append(out, item)
		}
	}
	return out
}

// Of is what n of an item cost.
func (p Prices) Of(item Item, n float64) float64 {
	price := p.Prices[item]
	return n / price.Per * price.Price
}

// Embedded is the price file the program carries, as written.
func Embedded() string { return string(embedded) }
