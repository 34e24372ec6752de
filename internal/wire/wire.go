// Package wire is the composition root: the only package that names adapters.
package wire

import (
	"cmp"
	"io"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/config/git"
	"gitlab.com/nines-sre/nines/internal/config/s3"
	"gitlab.com/nines-sre/nines/internal/config/ssm"
	"gitlab.com/nines-sre/nines/internal/lambdahost"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/cloudwatch"
	"gitlab.com/nines-sre/nines/internal/metric/csv"
	"gitlab.com/nines-sre/nines/internal/publish"
	publishcw "gitlab.com/nines-sre/nines/internal/publish/cloudwatch"
	"gitlab.com/nines-sre/nines/internal/publish/emf"
	runpublish "gitlab.com/nines-sre/nines/internal/run/publish"
)

// CLI is what the command line is made of.
func CLI() host.Wiring {
	return host.Wiring{
		Types: Types, OpenStore: OpenStore, OpenForge: OpenForge, OpenTarget: OpenTarget, WatchTarget: WatchTarget, Parameter: readParameter, AdminStore: AdminStore, Directory: Directory,
		Documents: Documents(), OpenSink: OpenSink, OpenActor: OpenActor, OpenInvoker: OpenInvoker,
	}
}

// Lambda is what the function is made of.
func Lambda() lambdahost.Wiring {
	return lambdahost.Wiring{
		Wiring: CLI(),
		Lines:  func(out io.Writer, namespace string) publish.Sink { return emf.New(out, namespace) },
	}
}

// OpenSink opens where documents send numbers.
func OpenSink(p config.Publish) (publish.Sink, error) {
	return publishcw.New(cmp.Or(p.Namespace, runpublish.Namespace), p.Region), nil
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
		"Prometheus": config.Prometheus(),
	}
}

// Documents are the places beside folders that documents are read from, one
// line each.
func Documents() map[string]config.Opener {
	out := map[string]config.Opener{
		s3.Scheme:  s3.Open,
		ssm.Scheme: ssm.Open,
	}
	for _, scheme := range git.Schemes() {
		out[scheme] = git.Open
	}
	return out
}
