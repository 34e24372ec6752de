// The AWS SDK for JavaScript against the local CloudWatch. Started by
// TestForeignJavaScript with the server's address and time; the modules are
// found through NODE_PATH. The first check that fails ends it with status 1.
import { createRequire } from "node:module";
import { deepStrictEqual } from "node:assert";

const { CloudWatch, paginateGetMetricData } = createRequire(process.env.NINES_NODE_MODULES + "/")("@aws-sdk/client-cloudwatch");
const [url, now] = [process.argv[2], new Date(process.argv[3])];
const ago = (minutes) => new Date(now.getTime() - minutes * 60_000);
const cw = new CloudWatch({ endpoint: url, region: "eu-west-1", maxAttempts: 1, credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "x" } });

function check(name, got, want) {
  deepStrictEqual(got, want, name);
  console.log(`ok   ${name}`);
}

const metric = (MetricName, by) => ({ Namespace: "shop", MetricName, Dimensions: [{ Name: "By", Value: by }] });
const query = (Id, m, Stat) => ({ Id, MetricStat: { Metric: m, Period: 60, Stat } });
const range = { StartTime: ago(10), EndTime: now, ScanBy: "TimestampAscending" };

const read = await cw.getMetricData({ ...range, MetricDataQueries: [query("sum", metric("from-go", "go"), "Sum"), query("good", metric("from-go", "go"), "PR(:300)"), { Id: "e", Expression: "sum / 8" }] });
check("js reads what Go wrote", read.MetricDataResults.map((r) => [r.Id, r.StatusCode, r.Values]), [["sum", "Complete", [800]], ["good", "Complete", [200 / 3]], ["e", "Complete", [100]]]);
check("js timestamps", read.MetricDataResults[0].Timestamps.map((t) => t.toISOString()), [ago(4).toISOString()]);

for (let i = 0; i < 5; i++) {
  await cw.putMetricData({ Namespace: "shop", MetricData: [{ MetricName: "from-js", Timestamp: ago(5 - i), Values: [i, 1000], Counts: [2, 1], Unit: "Milliseconds", Dimensions: [{ Name: "By", Value: "js" }] }] });
}
let values = [];
let pages = 0;
for await (const page of paginateGetMetricData({ client: cw, pageSize: 2 }, { ...range, MetricDataQueries: [query("n", metric("from-js", "js"), "TC(:500)")] })) {
  pages++;
  values.push(...page.MetricDataResults.flatMap((r) => r.Values));
}
check("js pages", [pages, values], [3, [2, 2, 2, 2, 2]]);
const listed = await cw.listMetrics({ Namespace: "shop", Dimensions: [{ Name: "By", Value: "js" }] });
check("js lists", listed.Metrics.map((m) => m.MetricName), ["from-js"]);
const stats = await cw.getMetricStatistics({ Namespace: "shop", MetricName: "from-js", Dimensions: [{ Name: "By", Value: "js" }], StartTime: ago(5), EndTime: now, Period: 300, Statistics: ["Sum", "SampleCount", "Maximum"] });
check("js statistics", stats.Datapoints.map((p) => [p.Sum, p.SampleCount, p.Maximum, p.Unit]), [[5020, 15, 1000, "Milliseconds"]]);

for (const [code, call] of Object.entries({
  ValidationError: () => cw.getMetricData({ ...range, MetricDataQueries: [query("q", metric("m", "x"), "Mean")] }),
  InvalidParameterValue: () => cw.putMetricData({ Namespace: "x", MetricData: [{ MetricName: "m", Value: 1, Timestamp: ago(-600) }] }),
})) {
  const e = await call().then(() => ({ name: "no error" }), (e) => e);
  const old = { ValidationException: "ValidationError", InvalidParameterValueException: "InvalidParameterValue" };
  check(`js error ${code}`, [old[e.name] ?? e.name, e.$metadata?.httpStatusCode], [code, 400]);
}
