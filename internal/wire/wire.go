// Package wire is the composition root: the only package that names adapters.
package wire

import (
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/config/s3"
	"gitlab.com/nines-sre/nines/internal/config/ssm"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/cloudwatch"
	"gitlab.com/nines-sre/nines/internal/metric/csv"
)

// CLI is what the command line is made of.
func CLI() host.Wiring {
	return host.Wiring{Types: Types, OpenStore: OpenStore, AdminStore: AdminStore, Directory: Directory, Documents: Documents()}
}

// Directory looks around in a place of CloudWatch.
func Directory(at metric.Place) metric.Directory {
	return cloudwatch.NewDirectory(cloudwatch.DirectoryOptions{Connect: cloudwatch.ConnectDirectory, Place: at})
}

// Types are the kinds of metric source this program knows, one line each.
func Types() map[string]metric.Type {
	return map[string]metric.Type{
		csv.Name:     csv.Type(),
		"CloudWatch": cloudwatch.Type(config.CheckCloudWatch, config.CheckCloudWatchDetails, time.Now),
	}
}

// Documents are the places beside folders that documents are read from, one
// line each.
func Documents() map[string]config.Opener {
	return map[string]config.Opener{
		s3.Scheme:  s3.Open,
		ssm.Scheme: ssm.Open,
	}
}
