package wire

import (
	"context"
	"net/url"
	"regexp"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/dynamo"
	"gitlab.com/nines-sre/nines/internal/fault"
	ledgerdynamodb "gitlab.com/nines-sre/nines/internal/ledger/dynamodb"
	"gitlab.com/nines-sre/nines/internal/timeline/dynamodb"
)

// inTable opens history and ledger in a DynamoDB table.
func inTable(ctx context.Context, rest string, access host.Access) (host.Stores, error) {
	name, opt, err := tableOptions(rest)
	if err != nil {
		return host.Stores{}, err
	}
	opt.ReadOnly = access == host.ReadOnly
	table, err := dynamo.Open(ctx, name, opt)
	if err != nil {
		return host.Stores{}, err
	}
	return host.Stores{
		Timeline: dynamodb.New(table), Ledger: ledgerdynamodb.New(table), Kept: true, Keeps: opt.Keep, Close: func() error { return nil },
	}, nil
}

// tableOptions reads "TABLE?region=R&role=ARN&endpoint=URL&keep=400d".
func tableOptions(rest string) (name string, opt dynamo.Options, err error) {
	name, params := cut(rest)
	opt.Now = time.Now
	if !regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`).MatchString(name) {
		return "", opt, fault.New(fault.Invalid, "--store dynamodb:"+name, "a table's name has 3 to 255 letters, digits and _ . -",
			"write dynamodb:TABLE")
	}
	values, err := url.ParseQuery(params)
	if err != nil {
		return "", opt, fault.Wrap(fault.Invalid, "--store dynamodb:...?"+params, err, "")
	}
	for key, v := range values {
		switch key {
		case "region":
			opt.Region = v[0]
		case "role":
			opt.Role = v[0]
		case "endpoint":
			opt.Endpoint = v[0]
		case "keep":
			opt.Keep, err = host.ParseDuration("keep", v[0])
		default:
			err = fault.New(fault.Invalid, key, "dynamodb has no such parameter", "it has region, role, endpoint and keep")
		}
		if err != nil {
			return "", opt, fault.Wrap(fault.Invalid, "--store dynamodb:...?"+params, err, "")
		}
	}
	return name, opt, nil
}
