#!/usr/bin/env bash
# Makes the models again, from nothing: an environment, pictures, training, export, int8, calibration, evaluation.
# About four hours on two cores and 15 GB of disk under WORK; interrupted, it goes on where it stopped.
# Seed 1 is for training, 2 for the test, 4 for the calibration. With a GPU: put jax[cuda] into the environment, set
# KERAS_BACKEND=jax BATCH=1024 FINDER_BATCH=256, and take more SHARDS.
set -euo pipefail
if [ "${SHARDS:-100}" -lt 4 ]; then
    echo "SHARDS=$SHARDS is too few: the training does not begin with fewer than three shards; take 4 or more" >&2
    exit 2
fi
cd "$(dirname "$0")/.."
work=${WORK:-.ringfence/train}
python=$work/venv/bin/python
export PYTHONPATH=$PWD PYTHONUNBUFFERED=1
mkdir -p "$work"
say() { printf '\n%s  %s\n' "$(date +%H:%M:%S)" "$*"; }
if [ ! -e "$work/ready" ]; then
    say "an environment of its own: 3 GB"
    "${PYTHON:-python3}" -m venv "$work/venv"
    # One package says that it is not for this Python, and works: ai-edge-litert asks for exactly that one.
    "$python" -m pip install --quiet --disable-pip-version-check --ignore-requires-python --require-hashes \
        -r models/requirements-train.lock
    touch "$work/ready"
fi
say "crops of plates"
"$python" -m models.make_data "$work/crops" --seed 1 --shards "${SHARDS:-100}"
"$python" -m models.make_data "$work/calibrate" --seed 4 --shards 4
"$python" -m models.make_data "$work/test" --seed 2 --severity 0.5 --shards 3
say "the plate model: ${MINUTES:-60} minutes"
"$python" -m models.train "$work/crops" "$work/plates" --minutes "${MINUTES:-60}" --batch "${BATCH:-128}" \
    --out "$work/plates/float.onnx"
"$python" -m models.quantise "$work/plates/float.onnx" models/ringfence_plates.onnx --crops "$work/crops" \
    --test "$work/calibrate"
"$python" -m models.calibrate "$work/calibrate" --out models/calibration.json
"$python" -m models.evaluate "$work/test" --out models/evaluation.json
"$python" -m models.pictures "$work/test" --out docs/pictures

# The finder: on a GPU --steps 7200 --batch 256 --precision mixed_bfloat16 takes six minutes.
finder() {
    say "pictures with plates"
    "$python" -m models.finder_data "$work/finder" --seed 1 --pictures "${PICTURES:-196608}"
    say "the finder: ${FINDER_MINUTES:-120} minutes"
    "$python" -m models.finder_train "$work/finder" "$work/finder" --minutes "${FINDER_MINUTES:-120}" \
        --batch "${FINDER_BATCH:-64}"
    .venv/bin/python -m models.compare_finders  # it needs the simulation, too
}
finder
