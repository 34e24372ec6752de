// What the official TypeScript library for Lambda prints for given calls: a list
// of cases on standard input, one JSON line for each on standard output, with the
// lines that the library wrote. See powertools.go for their shapes.
//
// Each case has an environment, a clock and a logger (or metrics) of its own, so
// that cold starts and settings do not leak from one to the next.
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.NINES_TELEMETRY_NODE_MODULES}/powertools.js`);
const { Logger } = require('@aws-lambda-powertools/logger');
const { search } = require('@aws-lambda-powertools/logger/correlationId');
const { Metrics } = require('@aws-lambda-powertools/metrics');
const { Tracer } = require('@aws-lambda-powertools/tracer');
const xray = require('aws-xray-sdk-core');

const realDate = Date;
const realWrite = process.stdout.write;
const outside = { ...process.env };

// at makes the clock stand still: `new Date()` and `Date.now()` are now.
function at(now) {
  globalThis.Date = now === undefined ? realDate : class extends realDate {
    constructor(...args) {
      if (args.length === 0) super(now);
      else super(...args);
    }
    static now() { return now; }
  };
}

// value reads what JSON cannot spell: {"number":"NaN"}, {"error":{...}}.
function value(v) {
  if (v === null || typeof v !== 'object') return v;
  if (Array.isArray(v)) return v.map(value);
  if (typeof v.number === 'string') return Number(v.number);
  if (v.error) return failure(v.error);
  return Object.fromEntries(Object.entries(v).map(([k, inner]) => [k, value(inner)]));
}

function failure({ name, message, cause, fields }) {
  const err = new Error(message, cause ? { cause: failure(cause) } : undefined);
  if (name) err.name = name;
  // A stack as a function's is, and the same on every machine.
  err.stack = `${err.name}: ${message}\n    at charge (/var/task/pay.js:88:7)\n    at handler (/var/task/index.js:12:3)`;
  return Object.assign(err, fields);
}

const loggerSteps = {
  context: (l, s) => l.addContext(s.context),
  append: (l, s) => l.appendKeys(value(s.keys)),
  persist: (l, s) => l.appendPersistentKeys(value(s.keys)),
  remove: (l, s) => l.removeKeys(s.names),
  reset: (l) => l.resetKeys(),
  correlation: (l, s) => (s.path ? l.setCorrelationId(s.event, s.path) : l.setCorrelationId(s.id)),
  level: (l, s) => l.setLogLevel(s.level),
  flush: (l) => l.flushBuffer(),
  log: (l, s) => l[s.level](s.message ?? '', ...(s.keys ? [value(s.keys)] : []), ...(s.error ? [failure(s.error)] : [])),
};

const metricsSteps = {
  metric: (m, s) => m.addMetric(s.name, s.unit, value(s.value), s.resolution),
  dimension: (m, s) => m.addDimension(s.name, s.value),
  dimensions: (m, s) => m.addDimensions(s.keys),
  defaults: (m, s) => m.setDefaultDimensions(s.keys),
  metadata: (m, s) => m.addMetadata(s.name, value(s.value)),
  timestamp: (m, s) => m.setTimestamp(s.value),
  single: (m, s) => {
    const one = m.singleMetric();
    for (const [k, v] of Object.entries(s.keys ?? {})) one.addDimension(k, v);
    one.addMetric(s.name, s.unit, value(s.value), s.resolution);
  },
  cold: (m, s) => m.captureColdStartMetric(s.name),
  publish: (m) => m.publishStoredMetrics(),
};

const tracerSteps = {
  cold: (t) => t.annotateColdStart(),
  service: (t) => t.addServiceNameAnnotation(),
  annotation: (t, s) => t.putAnnotation(s.name, value(s.value)),
  metadata: (t, s) => t.putMetadata(s.name, value(s.value)),
  response: (t, s) => t.addResponseAsMetadata(value(s.value), s.name),
  error: (t, s) => t.addErrorAsMetadata(failure(s.error)),
};

// traced is the segment document of a function whose handler takes the steps.
function traced(c) {
  const root = new xray.Segment('function', '1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810', '53995c3f42cd8ad8');
  const tracer = new Tracer({ ...c.options, captureHTTPsRequests: false });
  xray.getNamespace().run(() => {
    const handler = root.addNewSubsegment('## handler');
    tracer.setSegment(handler);
    for (const step of c.steps) tracerSteps[step.do](tracer, step);
    handler.close();
    root.close();
  });
  return root.format();
}

// sampled counts how many of n loggers decided to write debug records.
function sampled(n, rate) {
  const console_ = { debug() {}, warn() {} };
  let hits = 0;
  for (let i = 0; i < n; i++) {
    const logger = new (class extends Logger { setConsole() { this.console = console_; } })({ sampleRateValue: rate });
    if (logger.getLevelName() === 'DEBUG') hits++;
  }
  return hits;
}

function run(c) {
  if (c.utility === 'sampling') return { sampled: sampled(c.loggers, c.rate) };
  if (c.utility === 'tracer') return { written: [traced(c)] };
  const options = { ...c.options };
  if (c.utility === 'metrics') {
    const metrics = new Metrics(options);
    for (const step of c.steps) metricsSteps[step.do](metrics, step);
    return {};
  }
  const logger = new Logger({ ...options, correlationIdSearchFn: search });
  for (const step of c.steps) loggerSteps[step.do](logger, step);
  return {};
}

let input = '';
for await (const chunk of process.stdin) input += chunk;

for (const c of JSON.parse(input)) {
  for (const key of Object.keys(process.env)) if (!(key in outside)) delete process.env[key];
  Object.assign(process.env, { TZ: 'UTC', POWERTOOLS_SERVICE_NAME: '', ...c.env });
  at(c.now);
  const answer = { name: c.name, written: [] };
  process.stdout.write = process.stderr.write = (text) => (answer.written.push(...String(text).split('\n').filter(Boolean)), true);
  try {
    Object.assign(answer, run(c));
  } catch (err) {
    answer.threw = String(err);
  }
  at(undefined);
  process.stdout.write = realWrite;
  realWrite.call(process.stdout, `${JSON.stringify(answer)}\n`);
}
