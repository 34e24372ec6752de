"""Deploys a template into moto and says what came of it, as JSON.

moto skips resources that it does not know; what it made no alarm of is put by
itself, with the template's own properties, so that its API has seen each.
"""
import json
import sys

import boto3
from botocore.config import Config

url, path = sys.argv[1:]
body = open(path, encoding="utf-8").read()
template = json.loads(body)
kwargs = dict(
    endpoint_url=url, region_name="eu-west-1", aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret",
    config=Config(retries={"max_attempts": 0}),
)
cfn, cw = boto3.client("cloudformation", **kwargs), boto3.client("cloudwatch", **kwargs)

cfn.create_stack(StackName="nines", TemplateBody=body)
stack = cfn.describe_stacks(StackName="nines")["Stacks"][0]
resources = template["Resources"]


def of(kind):
    return {k: r["Properties"] for k, r in resources.items() if r["Type"] == kind}


def described(kind):
    out = {}
    for page in cw.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm", "CompositeAlarm"]):
        for alarm in page[kind]:
            out[alarm["AlarmName"]] = alarm
    return out


made = len(described("MetricAlarms"))
for props in of("AWS::CloudWatch::Alarm").values():
    cw.put_metric_alarm(**props)
differs = []
alarms = described("MetricAlarms")
for props in of("AWS::CloudWatch::Alarm").values():
    got = alarms.get(props["AlarmName"], {})
    for field, want in props.items():
        have = got.get(field)
        if field == "Metrics":
            keep = lambda metrics: {m["Id"]: (m.get("Expression"), m.get("ReturnData"), (m.get("MetricStat") or {}).get("Stat")) for m in metrics}
            want, have = keep(want), keep(have or [])
        if have != want:
            differs.append([props["AlarmName"], field, want, have])

composites, refused = 0, ""
for props in of("AWS::CloudWatch::CompositeAlarm").values():
    rule = props["AlarmRule"]["Fn::Sub"]
    for name, r in resources.items():
        if "AlarmName" in r["Properties"]:
            rule = rule.replace("${" + name + "}", r["Properties"]["AlarmName"])
    assert "${" not in rule, rule
    try:
        cw.put_composite_alarm(AlarmName=props["AlarmName"], AlarmRule=rule)
        composites += 1
    except Exception as e:  # moto has no such operation; the test says so
        refused = type(e).__name__ + ": " + str(e)[:200]

widgets = 0
for props in of("AWS::CloudWatch::Dashboard").values():
    got = json.loads(cw.get_dashboard(DashboardName=props["DashboardName"])["DashboardBody"])
    assert got == json.loads(props["DashboardBody"]["Fn::Sub"].replace("${AWS::Region}", "eu-west-1").replace("${!", "${"))
    widgets += len(got["widgets"])

topics = boto3.client("sns", **kwargs).list_topics()["Topics"]
print(json.dumps(dict(
    status=stack["StackStatus"], made=made, alarms=len(alarms), differs=differs[:5], composites=composites,
    refused=refused, widgets=widgets, topics=len(topics),
)))
