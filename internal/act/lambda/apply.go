package lambda

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
)

const (
	// locks is how often a write is begun anew because of a revision that changed
	// while the traffic did not.
	locks = 5
	// looks is how often an alias is read until it lies as it was written; one with
	// provisioned concurrency moves by and by.
	looks     = 60
	lookEvery = time.Second
)

// Apply implements act.Actor.
func (t *Target) Apply(ctx context.Context, c act.Change) (act.Outcome, error) {
	if err := t.valid(c.Action); err != nil {
		return act.Outcome{}, err
	}
	var out act.Outcome
	for range locks {
		now, err := t.Read(ctx)
		if err != nil {
			return out, err
		}
		out.State = now
		done, err := c.Meets(t.name, now)
		if done || err != nil {
			return out, err //nolint:wrapcheck // says all there is to say
		}
		// From here on it may have been written, whatever the answer is.
		out.Calls = []string{t.call(c.To)}
		wrote, err := t.write(ctx, c.To, now.Revision)
		switch {
		case err == nil:
			return t.inForce(ctx, c, wrote, out)
		case !refused(err):
			return out, err
		}
	}
	return out, fault.New(fault.Conflict, t.name, fmt.Sprintf("it was changed %d times while it was written", locks), "find out who does")
}

// write sets the alias at a revision, and returns the new one.
func (t *Target) write(ctx context.Context, to act.Split, revision string) (string, error) {
	in := &sdk.UpdateAliasInput{
		FunctionName: &t.opt.Function, Name: &t.opt.Alias, FunctionVersion: aws.String(to.Stable), RevisionId: aws.String(revision),
		// An empty map removes weights; a missing one would leave them.
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{}},
	}
	if !to.Whole() {
		in.RoutingConfig.AdditionalVersionWeights[to.Canary] = to.Weight
	}
	var out *sdk.UpdateAliasOutput
	err := t.try(ctx, "lambda:UpdateAlias", func() (err error) {
		out, err = t.api.UpdateAlias(ctx, in)
		return err
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.RevisionId), nil
}

// inForce reads until the alias lies as it was written.
func (t *Target) inForce(ctx context.Context, c act.Change, revision string, out act.Outcome) (act.Outcome, error) {
	for n := 0; ; n++ {
		now, err := t.Read(ctx)
		if err != nil {
			return out, err
		}
		out.State = now
		switch {
		case now.Same(c.To):
			return out, nil
		case now.Revision != revision && revision != "":
			return out, fault.New(fault.Conflict, t.name, fmt.Sprintf("it lies at %s right after it was set to %s: somebody else changed it", now.Split, c.To), "find out who did")
		case n == looks:
			return out, fault.New(fault.Unavailable, t.name, fmt.Sprintf("it lies at %s, not yet at %s", now.Split, c.To), "look at it again in a while")
		}
		if err := t.opt.Wait(ctx, lookEvery); err != nil {
			return out, fault.Wrap(fault.Canceled, t.name, err, "")
		}
	}
}
