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

# The finder: 196,608 pictures drawn from seed 1, then two hours on two cores (on a GPU: --steps 7200
# --batch 256 --precision mixed_bfloat16, six minutes), and both ways to find plates on frames of the simulation.
finder() {
    "$python" -m models.finder_data "$work/finder" --seed 1 --pictures 196608
    "$python" -m models.finder_train "$work/finder" "$work/finder" --minutes 120
    "${PYTHON:-python3}" -m models.compare_finders
}
finder
