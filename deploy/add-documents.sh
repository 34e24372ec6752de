#!/usr/bin/env bash
# Puts a folder of documents into a Lambda package, so that the function finds
# them in /var/task/slo. The result depends on names and contents alone.
#
#   deploy/add-documents.sh PACKAGE.zip FOLDER
set -euo pipefail
command -v python3 >/dev/null || { echo "deploy/add-documents.sh needs python3" >&2; exit 1; }
exec python3 - "$@" <<'PY'
import os, sys, zipfile

package, folder = sys.argv[1:]
files = sorted(
    os.path.join(root, name)
    for root, _, names in os.walk(folder)
    for name in names
    if name.lower().endswith((".yaml", ".yml", ".json"))
)
if not files:
    sys.exit(f"{folder} holds no documents")
with zipfile.ZipFile(package, "a", zipfile.ZIP_DEFLATED) as z:
    have = set(z.namelist())
    for path in files:
        name = "slo/" + os.path.relpath(path, folder).replace(os.sep, "/")
        if name in have:
            sys.exit(f"{name} is in the package already")
        entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o100644 << 16
        with open(path, "rb") as f:
            z.writestr(entry, f.read(), zipfile.ZIP_DEFLATED)
PY
