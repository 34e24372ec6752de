"""The local CloudWatch beside moto, where moto is right.

Started by TestForeignMoto with both addresses. The same data are published to
both by boto3, over JSON; SampleCount, Sum, Average, Minimum and Maximum over
ranges that begin on a period must be the same.
"""

import datetime
import random
import sys

import boto3
from botocore.config import Config

OURS, MOTO, NOW = sys.argv[1], sys.argv[2], datetime.datetime.fromisoformat(sys.argv[3])
MINUTE = datetime.timedelta(minutes=1)
STATISTICS = ["SampleCount", "Sum", "Average", "Minimum", "Maximum"]


def client(url):
    """Without compression: moto opens compressed bodies twice."""
    session = boto3.Session(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="x", region_name="eu-west-1")
    return session.client("cloudwatch", endpoint_url=url, config=Config(retries={"total_max_attempts": 1}, disable_request_compression=True))


def data(dice):
    """Six hours of single values, arrays and statistic sets; not every minute has one."""
    for m in range(360):
        at, dims = NOW - (m + 1) * MINUTE, [{"Name": "By", "Value": str(m % 3)}]
        one = {"MetricName": "latency", "Timestamp": at, "Dimensions": dims}
        match dice.randrange(4):
            case 0:
                yield one | {"Value": dice.randrange(1000) / 8}
            case 1:
                values = dice.sample(range(1000), 5)
                yield one | {"Values": [v / 8 for v in values], "Counts": [float(dice.randrange(1, 9)) for _ in values]}
            case 2:
                low, high = sorted(dice.sample(range(1000), 2))
                yield one | {"StatisticValues": {"SampleCount": 2, "Sum": low + high, "Minimum": low, "Maximum": high}}


def read(cw, period):
    """What a client reads, by query and time."""
    queries = [
        {"Id": f"q{i}_{by}", "MetricStat": {"Stat": s, "Period": period, "Metric": {"Namespace": "shop", "MetricName": "latency", "Dimensions": [{"Name": "By", "Value": str(by)}]}}}
        for i, s in enumerate(STATISTICS) for by in range(3)]
    got = cw.get_metric_data(MetricDataQueries=queries, StartTime=NOW - 360 * MINUTE, EndTime=NOW)
    return {(r["Id"], at): v for r in got["MetricDataResults"] for at, v in zip(r["Timestamps"], r["Values"])}


both = [client(OURS), client(MOTO)]
published = list(data(random.Random(20260302)))
for cw in both:
    for first in range(0, len(published), 100):
        cw.put_metric_data(Namespace="shop", MetricData=published[first:first + 100])
for period in (60, 300, 3600):
    ours, theirs = (read(cw, period) for cw in both)
    if not ours:
        sys.exit(f"FAIL nothing is answered at {period} s")
    for key in sorted(ours.keys() | theirs.keys()):
        a, b = ours.get(key), theirs.get(key)
        if a is None or b is None or abs(a - b) > 1e-9 * max(1, abs(b)):
            sys.exit(f"FAIL {STATISTICS[int(key[0][1])]} at {period} s, {key}: {a}, moto says {b}")
    print(f"ok   {len(ours)} values at {period} s are those of moto")
