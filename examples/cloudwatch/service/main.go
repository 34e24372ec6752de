// Command service stands for a payment API that logs in embedded metric format:
// a line a minute with the latencies of its payments.
//
//	go run ./examples/cloudwatch/service -minutes 1500 >> service.log
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	minutes := flag.Int("minutes", 60, "how many `minutes` back to begin")
	slow := flag.Int("slow", 0, "how many of the 100 payments a minute take 800 ms")
	flag.Parse()
	if err := write(os.Stdout, time.Now(), *minutes, *slow); err != nil {
		fmt.Fprintln(os.Stderr, "service:", err)
		os.Exit(1)
	}
}

// line is a log line that CloudWatch makes metrics of: what _aws names is a
// metric or a dimension, the rest is only logged.
type line struct {
	AWS     head      `json:"_aws"`
	Service string    `json:"Service"`
	Latency []float64 `json:"Latency"` // milliseconds, one a payment
	Message string    `json:"message"`
}

type head struct {
	Timestamp         int64       `json:"Timestamp"` // milliseconds since 1970
	CloudWatchMetrics []directive `json:"CloudWatchMetrics"`
}

type directive struct {
	Namespace  string     `json:"Namespace"`
	Dimensions [][]string `json:"Dimensions"`
	Metrics    []metric   `json:"Metrics"`
}

type metric struct {
	Name string `json:"Name"`
	Unit string `json:"Unit"`
}

// payments is how many there are in a minute; a line holds up to 100 values.
const payments = 100

// write writes a line for each of the last minutes, oldest first.
func write(to io.Writer, now time.Time, minutes, slow int) error {
	w := bufio.NewWriter(to)
	out := json.NewEncoder(w)
	for m := minutes; m > 0; m-- {
		at := now.Truncate(time.Minute).Add(-time.Duration(m) * time.Minute)
		l := line{Service: "payment-api", Message: "payments taken"}
		l.AWS = head{at.UnixMilli(), []directive{{"Shop", [][]string{{"Service"}}, []metric{{"Latency", "Milliseconds"}}}}}
		for i := range payments {
			took := 40 + 2*float64(i) // up to 238 ms
			if i < slow {
				took = 800
			}
			l.Latency = append(l.Latency, took)
		}
		if err := out.Encode(l); err != nil {
			return err
		}
	}
	return w.Flush()
}
