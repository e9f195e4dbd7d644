#!/usr/bin/env bash
# Makes the plate model again, from nothing: an environment, crops, training, export, evaluation.
# About an hour on two cores, and 4 GB of disk under WORK. Seed 1 is for training, seed 2 for the test.
set -euo pipefail
cd "$(dirname "$0")/.."
work=${WORK:-.ringfence/train}
python=$work/venv/bin/python
mkdir -p "$work"
if [ ! -e "$work/ready" ]; then
    "${PYTHON:-python3}" -m venv "$work/venv"
    "$python" -m pip install --quiet --require-hashes -r models/requirements-train.lock
    touch "$work/ready"
fi
"$python" models/make_data.py "$work/test.npz" --seed 2 --frames 4500 --scenes 3000 --arts 1500
"$python" models/make_data.py "$work/train.npz" --seed 1 --scenes 36000 --arts 32000
"$python" models/train.py "$work/train.npz" "$work"
"$python" models/evaluate.py "$work/test.npz" models/evaluation.json
