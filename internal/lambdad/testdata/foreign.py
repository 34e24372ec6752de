"""The AWS CLI and boto3, against the local Lambda.

Started by TestForeignClients with the server's address. One line a check; the
first that fails ends the run with status 1.
"""

import base64
import contextlib
import hashlib
import io
import json
import re
import sys
import zipfile

import awscli.clidriver
import boto3
import botocore.exceptions
from botocore.config import Config

URL, FOLDER = sys.argv[1], sys.argv[2]
CLI = awscli.clidriver.create_clidriver()
ROLE = "arn:aws:iam::123456789012:role/pay"


def check(name, got, want):
    """Compares, and says which check it was."""
    if got != want:
        print(f"FAIL {name}: got {got!r}, want {want!r}")
        sys.exit(1)
    print(f"ok   {name}")


def aws(*args):
    """Runs the AWS CLI, in this process to save its start, and returns its answer or the error's code."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = CLI.main(["lambda", *args, "--endpoint-url", URL, "--region", "eu-west-1", "--output", "json"])
    if status:
        found = re.search(r"\((\w+)\) when calling", err.getvalue())
        return found.group(1) if found else err.getvalue()
    return json.loads(out.getvalue() or "{}")


def pack(content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("bootstrap", content)
    return out.getvalue()


def refused(do, **args):
    try:
        do(**args)
    except botocore.exceptions.ClientError as err:
        return err.response["Error"]["Code"], err.response["ResponseMetadata"]["HTTPStatusCode"]
    return "done", 200


def command_line():
    """A release by hand: code, version, weights, and who comes too late."""
    with open(FOLDER + "/two.zip", "wb") as f:
        f.write(pack("two"))
    digest = base64.b64encode(hashlib.sha256(pack("two")).digest()).decode()
    out = aws("update-function-code", "--function-name", "pay", "--zip-file", f"fileb://{FOLDER}/two.zip", "--revision-id", aws("get-function", "--function-name", "pay")["Configuration"]["RevisionId"])
    check("update-function-code", (out["CodeSha256"], out["LastUpdateStatus"]), (digest, "InProgress"))
    check("while it is in progress", aws("publish-version", "--function-name", "pay"), "ResourceConflictException")
    for _ in range(2):
        aws("get-function-configuration", "--function-name", "pay")
    check("publish-version", aws("publish-version", "--function-name", "pay", "--code-sha256", digest)["Version"], "2")
    before = aws("get-alias", "--function-name", "pay", "--name", "live")
    after = aws("update-alias", "--function-name", "pay", "--name", "live", "--routing-config", "AdditionalVersionWeights={2=0.05}", "--revision-id", before["RevisionId"])
    check("update-alias", (after["FunctionVersion"], after["RoutingConfig"]), ("1", {"AdditionalVersionWeights": {"2": 0.05}}))
    check("too late", aws("update-alias", "--function-name", "pay", "--name", "live", "--function-version", "2", "--revision-id", before["RevisionId"]), "PreconditionFailedException")
    check("too much", aws("update-alias", "--function-name", "pay", "--name", "live", "--routing-config", "AdditionalVersionWeights={2=1.5}"), "ValidationException")
    after = aws("update-alias", "--function-name", "pay", "--name", "live", "--function-version", "2", "--routing-config", "AdditionalVersionWeights={}")
    check("promoted", (after["FunctionVersion"], "RoutingConfig" in after), ("2", False))
    aws("get-function-configuration", "--function-name", "pay", "--qualifier", "2")
    aws("get-function-configuration", "--function-name", "pay", "--qualifier", "2")
    out = aws("invoke", "--function-name", "pay", "--qualifier", "live", "--payload", "{}", FOLDER + "/out.json")
    check("invoke", (out["StatusCode"], out["ExecutedVersion"], open(FOLDER + "/out.json").read()), (200, "2", "{}"))


def python():
    """boto3: waiters, pages, and status codes."""
    c = boto3.Session(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="x", region_name="eu-west-1").client(
        "lambda", endpoint_url=URL, config=Config(retries={"total_max_attempts": 1}))
    c.create_function(FunctionName="pay", Role=ROLE, Runtime="provided.al2023", Handler="bootstrap", Code={"ZipFile": pack("one")})
    fast = {"Delay": 0, "MaxAttempts": 20}
    c.get_waiter("function_active_v2").wait(FunctionName="pay", WaiterConfig=fast)
    check("publish", c.publish_version(FunctionName="pay")["Version"], "1")
    c.get_waiter("published_version_active").wait(FunctionName="pay", Qualifier="1", WaiterConfig=fast)
    c.create_alias(FunctionName="pay", Name="live", FunctionVersion="1")
    check("404", refused(c.get_alias, FunctionName="pay", Name="none"), ("ResourceNotFoundException", 404))
    check("412", refused(c.update_alias, FunctionName="pay", Name="live", FunctionVersion="1", RevisionId="x"), ("PreconditionFailedException", 412))
    check("400", refused(c.update_alias, FunctionName="pay", Name="live", RoutingConfig={"AdditionalVersionWeights": {"1": 0.5}}), ("InvalidParameterValueException", 400))
    c.update_function_configuration(FunctionName="pay", Timeout=5)
    check("409", refused(c.update_function_configuration, FunctionName="pay", Timeout=6), ("ResourceConflictException", 409))
    c.get_waiter("function_updated_v2").wait(FunctionName="pay", WaiterConfig=fast)
    pages = list(c.get_paginator("list_versions_by_function").paginate(FunctionName="pay", PaginationConfig={"PageSize": 1}))
    check("pages", [v["Version"] for p in pages for v in p["Versions"]], ["$LATEST", "1"])
    check("aliases", [a["Name"] for a in c.list_aliases(FunctionName="pay", FunctionVersion="1")["Aliases"]], ["live"])


python()
command_line()
