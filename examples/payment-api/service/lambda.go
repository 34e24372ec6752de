package main

import (
	"math/rand/v2"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/cardnet"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/function"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/observe"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/payment"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/web"
	"gitlab.com/nines-sre/nines/telemetry"
)

// asFunction answers Lambda's invocations until the process is ended: the card
// network's when the function's handler says so, otherwise the payment API's.
func asFunction() error {
	faults, err := faultsOf(os.Getenv("FAULT"))
	if err != nil {
		return err
	}
	v := versionOr(version)
	network := payment.Network(&cardnet.Network{Clock: wallClock{}, Draw: rand.Float64, Faults: faults})
	if os.Getenv("_HANDLER") == observe.CardNetwork {
		t := telemetry.New(observe.Options(observe.CardNetwork, v, os.Getenv)...)
		lambda.Start(t.Wrap(function.Handle(cardnet.Handler(network))))
		return nil
	}
	t := telemetry.New(append(observe.Options(observe.PaymentAPI, v, os.Getenv), telemetry.WithCorrelation(requestID))...)
	if url := os.Getenv("CARD_NETWORK_URL"); url != "" {
		if network, err = cardnet.Dial(url, t.Trace.Transport(http.DefaultTransport), patience); err != nil {
			return err
		}
	}
	lambda.Start(t.Wrap(function.Handle(web.Handler(newService(network, faults, v), observe.New(t, v, os.Getenv("AWS_LAMBDA_FUNCTION_VERSION"))))))
	return nil
}

// requestID is API Gateway's, which its access log has too.
func requestID(e function.Event) string { return e.RequestID }
