package lambda

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"

	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// OpenInvoker returns what invokes functions of a region and waits for their
// answers; failed says that the function itself ended with an error. It tries
// nothing again: an attempt is what is counted. Of the options, Region, Role and
// Client are used.
func OpenInvoker(ctx context.Context, opt Options) (func(ctx context.Context, function string, event []byte) (answer []byte, failed bool, err error), error) {
	cfg, err := awskit.ConfigAs(ctx, opt.Region, opt.Role)
	if err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	api := sdk.NewFromConfig(cfg, func(o *sdk.Options) {
		o.Retryer = aws.NopRetryer{}
		if opt.Client != nil {
			o.HTTPClient = opt.Client
		}
	})
	return func(ctx context.Context, function string, event []byte) ([]byte, bool, error) {
		out, err := api.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String(function), Payload: event})
		if err != nil {
			// What kind of trouble it is, and which permission may be missing, is said.
			return nil, false, fault.Wrap(fault.Internal, "invoke "+function, awskit.Explain("", "lambda:InvokeFunction on it", err), "")
		}
		return out.Payload, aws.ToString(out.FunctionError) != "", nil
	}, nil
}
