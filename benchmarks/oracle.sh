#!/usr/bin/env bash
# The independent reader, side by side with ours: an environment of its own (300 MB), then benchmarks/oracle.py.
set -euo pipefail
venv=${ORACLE:-.ringfence/oracle}
if [ ! -e "$venv/ready" ]; then
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check 'rapidocr-onnxruntime==1.4.4'
    touch "$venv/ready"
fi
exec "$venv/bin/python" "$(dirname "$0")/oracle.py" "$@"
