package config

import "gitlab.com/nines-sre/nines/internal/slo/openslo"

// alertsShape is whom alerts tell that no AlertPolicy speaks of.
func alertsShape() *openslo.Shape {
	hours := openslo.Object("When tickets are told; what comes at another time waits for the next.",
		openslo.Need("cron", cronShape()), openslo.Need("duration", lengthShape("How long it lasts from each time of cron.")),
		openslo.May("zone", openslo.Text("The zone of cron; UTC unless said.", openslo.ZoneFormat())))
	return openslo.Object("Whom objectives tell that name no AlertPolicy, and how all are told.",
		openslo.May("page", notifyShape()),
		openslo.May("ticket", notifyShape()),
		openslo.May("hold", lengthShape("For how long a condition must have ended before its incident is over; 30m unless said. What fires again before that is the same incident.")),
		openslo.May("hours", hours))
}
