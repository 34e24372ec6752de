package cloudwatch

import (
	"fmt"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// defaultLag is how long after its end a minute of CloudWatch's is published,
// unless the data source says otherwise; see [Source.Caps].
const defaultLag slo.Minute = 3

// leastSkew is from when on a difference of clocks is told; the service's has
// whole seconds, and an answer takes time.
const leastSkew = 30 * time.Second

// clock notes the service's own time. A machine whose clock is ahead, by less
// than the minutes at which its signatures are refused, asks about minutes that
// have not been published: their silence means nothing.
func (c *call) clock(meta middleware.Metadata, now time.Time, lag slo.Minute) {
	at, ok := awsmiddleware.GetServerTime(meta)
	if !ok {
		return
	}
	c.until = slo.MinuteOf(at) - lag
	if ahead := now.Sub(at); ahead > leastSkew {
		c.skew = ahead
	}
}

// vouched is the part of a call's span for which a complete answer speaks: up
// to what the service's clock lets be published, in whole steps.
func (c *call) vouched() slo.Span {
	span := c.cut.span
	if c.until > 0 && c.until < span.To {
		span.To = max(span.From, roundDown(c.until, c.cut.period))
	}
	return span
}

// skewed is what to tell about a clock that is ahead; "" where it is not, or
// where nothing was left out for it.
func (c *call) skewed() string {
	if c.skew == 0 || c.vouched() == c.cut.span {
		return ""
	}
	return fmt.Sprintf("this machine's clock is %v ahead of CloudWatch's: what is not published yet is left out; set the clock", c.skew.Truncate(time.Second))
}
