"""Puts templates through AWS's own translator of SAM, and writes what they become.

    python sam.py FOLDER TEMPLATE...

The translator is what CloudFormation runs; cfn-lint only knows its schema. FOLDER
gets a file for each template, for cfn-lint to look at once more: circles show
there. Nobody is asked: managed policies are named by their ARN.
"""

import json
import logging
import os
import sys

logging.disable(logging.CRITICAL)  # it tells its developers about its own settings
os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")

import yaml  # noqa: E402
from samtranslator.public.exceptions import InvalidDocumentException  # noqa: E402
from samtranslator.translator.transform import transform  # noqa: E402


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms: !Ref, !Sub, !GetAtt, !If."""


def short(loader, tag, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if tag == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {tag if tag in ("Ref", "Condition") else "Fn::" + tag: value}


Loader.add_multi_constructor("!", short)


class Policies:
    """Names managed policies without asking IAM."""

    def load(self):
        return {}


def local(template):
    """Packages are uploaded before CloudFormation sees them: an address in their place."""
    for part in [template.get("Globals", {}).get("Function", {})] + [r.get("Properties", {}) for r in template["Resources"].values()]:
        if isinstance(part.get("CodeUri"), str) and "://" not in part["CodeUri"]:
            part["CodeUri"] = "s3://packages/" + part["CodeUri"]
    return template


failed = False
for name in sys.argv[2:]:
    with open(name, encoding="utf-8") as f:
        template = yaml.load(f, Loader)  # noqa: S506 (a SafeLoader)
    try:
        out = transform(local(template), {}, Policies())
    except InvalidDocumentException as e:
        failed = True
        for cause in e.causes:
            print(f"{name}: {cause.message}", file=sys.stderr)
        continue
    with open(os.path.join(sys.argv[1], name.replace("/", "-") + ".json"), "w", encoding="utf-8") as f:
        json.dump(out, f, indent=1)
sys.stderr.flush()
os._exit(failed)  # its metrics complain that nobody has sent them anywhere
