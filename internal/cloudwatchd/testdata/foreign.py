"""Clients that Nines did not write, against the local CloudWatch.

Started by TestForeignClients with the server's address. boto3 and the AWS CLI
publish and read; numpy computes every statistic a second time. One line a
check; the first that fails ends the run with status 1.
"""

import datetime
import json
import subprocess
import sys

import boto3
import botocore.exceptions
import numpy as np
from botocore.config import Config

URL, NOW, SETS = sys.argv[1], datetime.datetime.fromisoformat(sys.argv[2]), int(sys.argv[3])
MINUTE = datetime.timedelta(minutes=1)


def client():
    """A client that does not retry, with the protocol of its own choice."""
    session = boto3.Session(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="x", region_name="eu-west-1")
    return session.client("cloudwatch", endpoint_url=URL, config=Config(retries={"total_max_attempts": 1}))


def check(name, got, want):
    """Compares, and says which check it was."""
    if got != want:
        print(f"FAIL {name}: got {got!r}, want {want!r}")
        sys.exit(1)
    print(f"ok   {name}")


def aws(*args):
    """Runs the AWS CLI and returns its answer."""
    out = subprocess.run(
        [sys.executable, "-m", "awscli", "cloudwatch", *args, "--endpoint-url", URL, "--region", "eu-west-1", "--output", "json"],
        capture_output=True, text=True, check=False,
    )
    if out.returncode:
        return out.stderr.strip()
    return json.loads(out.stdout or "{}")


def iso(t):
    return t.strftime("%Y-%m-%dT%H:%M:%SZ")


def query(name, stat, dims=(), period=60, qid="q", namespace="shop"):
    metric = {"Namespace": namespace, "MetricName": name, "Dimensions": [{"Name": k, "Value": v} for k, v in dims]}
    return {"Id": qid, "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}}


def command_line():
    """The AWS CLI reads what the Go SDK wrote, and writes what it will read."""
    start, end = iso(NOW - 10 * MINUTE), iso(NOW)
    queries = json.dumps([
        query("from-go", "Sum", [("By", "go")], qid="sum"), query("from-go", "TC(:300)", [("By", "go")], qid="good"),
        {"Id": "share", "Expression": "100 * good / sum"},
    ])
    got = aws("get-metric-data", "--metric-data-queries", queries, "--start-time", start, "--end-time", end, "--scan-by", "TimestampAscending")
    check("cli get-metric-data", [(r["Id"], r["StatusCode"], r["Values"][0]) for r in got["MetricDataResults"]],
          [("sum", "Complete", 800.0), ("good", "Complete", 2.0), ("share", "Complete", 0.25)])
    got = aws("get-metric-statistics", "--namespace", "shop", "--metric-name", "from-go", "--dimensions", "Name=By,Value=go",
              "--start-time", start, "--end-time", end, "--period", "300", "--extended-statistics", "p50", "PR(:300)")
    check("cli get-metric-statistics", [p["ExtendedStatistics"] for p in got["Datapoints"]], [{"p50": 300.0, "PR(:300)": 200 / 3}])
    data = [{"MetricName": "from-cli", "Unit": "Milliseconds", "Timestamp": iso(NOW - 2 * MINUTE), "Values": [1, 2, 3], "Counts": [4, 5, 6],
             "Dimensions": [{"Name": "By", "Value": "cli"}]}]
    check("cli put-metric-data", aws("put-metric-data", "--namespace", "shop", "--metric-data", json.dumps(data)), {})
    got = aws("list-metrics", "--namespace", "shop", "--metric-name", "from-cli")
    check("cli list-metrics", [m["Dimensions"] for m in got["Metrics"]], [[{"Name": "By", "Value": "cli"}]])
    got = aws("get-metric-data", "--metric-data-queries", json.dumps([query("m", "Mean")]), "--start-time", start, "--end-time", end)
    check("cli shows the error", "ValidationError" in got and "MetricDataQueries.member.1.MetricStat.Stat" in got, True)


def library(cw):
    """boto3: paging, errors, compressed bodies."""
    at = NOW - 3 * MINUTE
    data = [{"MetricName": "big", "Timestamp": at, "Values": [float(v) for v in range(150)], "Dimensions": [{"Name": "n", "Value": str(i)}]} for i in range(200)]
    cw.put_metric_data(Namespace="boto", MetricData=data)  # above 10 KB: sent with gzip
    pages = list(cw.get_paginator("list_metrics").paginate(Namespace="boto"))
    check("boto3 list_metrics", sum(len(p["Metrics"]) for p in pages), 200)
    queries = [query("big", "SampleCount", [("n", str(i))], qid=f"q{i}", namespace="boto") for i in range(200)]
    pages = list(cw.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=at, EndTime=NOW, PaginationConfig={"PageSize": 30}))
    values = [v for p in pages for r in p["MetricDataResults"] for v in r["Values"]]
    check("boto3 get_metric_data in pages", (len(pages), len(values), set(values)), (7, 200, {150.0}))
    stamps = {t for p in pages for r in p["MetricDataResults"] for t in r["Timestamps"]}
    check("boto3 timestamps", stamps, {at.replace(second=0, microsecond=0)})
    for code, call in {
        "InvalidParameterValue": lambda: cw.put_metric_data(Namespace="x", MetricData=[{"MetricName": "m", "Value": 1, "Timestamp": NOW + 24 * 60 * MINUTE}]),
        "InvalidParameterCombination": lambda: cw.get_metric_statistics(
            Namespace="x", MetricName="m", StartTime=NOW - 2000 * MINUTE, EndTime=NOW, Period=60, Statistics=["Sum"]),
        "ValidationError": lambda: cw.get_metric_data(MetricDataQueries=[{"Id": "e", "Expression": "nobody"}], StartTime=at, EndTime=NOW),
        "InvalidNextToken": lambda: cw.get_metric_data(MetricDataQueries=queries[:1], StartTime=at, EndTime=NOW, NextToken="x"),
        "UnsupportedOperation": cw.describe_alarms,
    }.items():
        try:
            call()
            got = "no error"
        except botocore.exceptions.ClientError as e:
            got = e.response["Error"]["Code"]
        check(f"boto3 error {code}", got, code)


def trimmed(x, low, high):
    """What stays of sorted samples without the lowest and highest share."""
    n = len(x)
    return x[int(n * low / 100):n - int(n * (100 - high) / 100)]


def expected(x):
    """Every statistic by numpy, over the single samples."""
    x = np.sort(np.asarray(x))
    inside, below = x[(x > 20) & (x <= 70)], x[x <= 50]
    quarter = trimmed(x, 25, 75)
    middle = trimmed(x, 10, 90)
    winsorized = np.clip(x, middle[0], middle[-1])
    return {
        "SampleCount": len(x), "Sum": x.sum(), "Average": x.mean(), "Minimum": x.min(), "Maximum": x.max(),
        "p50": np.percentile(x, 50, method="inverted_cdf"), "p99": np.percentile(x, 99, method="inverted_cdf"), "p90": np.percentile(x, 90, method="inverted_cdf"),
        "TC(:50)": len(below), "PR(:50)": 100 * len(below) / len(x), "PR(20:70)": 100 * len(inside) / len(x), "TC(20:70)": len(inside),
        "TS(20:70)": inside.sum(), "TM(20:70)": inside.mean() if len(inside) else None, "tm90": trimmed(x, 0, 90).mean(), "tc90": len(trimmed(x, 0, 90)),
        "TM(10%:90%)": middle.mean(), "WM(10%:90%)": winsorized.mean(), "IQM": quarter.mean() if len(quarter) else None,
        "WM(20:70)": np.clip(x, 20, 70).mean(), "TS(75%:)": trimmed(x, 75, 100).sum(),
    }


SERIES = 20  # metrics the sample sets are spread over, a set a minute
BOUNDS = (20, 50, 70)  # those of the statistics above


def publish(cw, sets):
    """Publishes random samples as arrays, and returns them by metric and minute."""
    rng = np.random.default_rng(20260302)
    samples, data, edges = {}, [], 0
    for i in range(sets):
        values = rng.choice(np.arange(0, 400), size=rng.integers(1, 60), replace=False) / 4  # on and beside the bounds
        counts = rng.integers(1, 9, size=len(values))
        series, at = i % SERIES, NOW - (1 + i // SERIES) * MINUTE
        samples[series, at] = np.repeat(values, counts)
        edges += any(b in values for b in BOUNDS)
        data.append({"MetricName": "m", "Timestamp": at, "Values": values.tolist(), "Counts": counts.astype(float).tolist(), "Dimensions": [{"Name": "set", "Value": str(series)}]})
    for first in range(0, sets, 100):
        cw.put_metric_data(Namespace="numpy", MetricData=data[first:first + 100])
    return samples, edges


def statistics(cw, sets):
    """Every statistic of every sample set; numpy has the second opinion."""
    samples, edges = publish(cw, sets)
    names = list(expected(np.array([0.0])))
    queries = [query("m", name, [("set", str(series))], qid=f"q{series}_{k}", namespace="numpy") for series in range(SERIES) for k, name in enumerate(names)]
    answer = cw.get_metric_data(MetricDataQueries=queries, StartTime=NOW - 24 * 60 * MINUTE, EndTime=NOW)
    check("numpy: one answer holds them all", "NextToken" in answer, False)
    have = {}
    for q, r in zip(queries, answer["MetricDataResults"]):
        series, name = int(q["MetricStat"]["Metric"]["Dimensions"][0]["Value"]), q["MetricStat"]["Stat"]
        for at, v in zip(r["Timestamps"], r["Values"]):
            have[series, at, name] = v
    worst, compared = 0.0, 0
    for (series, at), x in samples.items():
        for name, want in expected(x).items():
            got = have.pop((series, at, name), None)
            if (want is None) != (got is None):
                check(f"{name} of {sorted(x)}", got, want)
            if want is None:
                continue
            compared += 1
            error = abs(got - want) / max(1, abs(want))
            worst = max(worst, error)
            if error > 1e-9:
                check(f"{name} of {sorted(x)}", got, want)
    check("numpy: nothing beside the samples is answered", len(have), 0)
    print(f"ok   {sets} sample sets x {len(names)} statistics agree with numpy: {compared} values, worst relative difference {worst:.1e}; {edges} sets with a value on a bound")


cw = client()
command_line()
library(cw)
statistics(cw, SETS)
