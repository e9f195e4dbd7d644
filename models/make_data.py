"""Draws crops of plates to train and to test on: ``python -m models.make_data OUT --seed 1 --shards 60``.

Every shard is a file ``crops-00000.npz`` of 4,096 crops. A shard follows from the seed and its own number alone, so
that an interrupted run goes on where it stopped, and any number of processes makes the same files. Shards that are
there are kept: a folder made with another seed or severity is refused, but not one made by another version of this
generator. Empty the folder when you change it.
"""

import argparse
import os
import time
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from models.crops import Crop, crop
from models.faces import Face, faces
from models.grounds import grounds
from models.plates import Picture
from models.stamp import stamped

SHARD = 4_096
SETS, FACES, GROUNDS = 16, 90, 60  # sets of type faces and grounds; a shard uses one of them


def make(out: Path, seed: int, shards: range, step: int, severity: float) -> None:
    """Writes those of the shards that are not there yet, one in ``step``."""
    cv2.setNumThreads(1)
    ready: dict[int, tuple[list[Face], list[Picture]]] = {}
    for number in shards[::step]:
        path = out / f"crops-{number:05d}.npz"
        if path.exists():
            continue
        chosen = number % SETS
        if chosen not in ready:
            rng = np.random.default_rng([seed, 0, chosen])
            ready[chosen] = faces(rng, FACES), grounds(rng, GROUNDS)
        rng = np.random.default_rng([seed, 1, number])
        write(path, [crop(rng, *ready[chosen], severity=severity) for _ in range(SHARD)])


def write(path: Path, crops: list[Crop]) -> None:
    """Writes a shard whole or not at all."""
    part = path.with_suffix(".part")
    columns = {
        name: np.array([getattr(c, name) for c in crops]) for name in Crop.__struct_fields__ if name != "picture"
    }
    with part.open("wb") as file:
        np.savez(file, pictures=np.stack([c.picture for c in crops]), **columns)
    part.replace(path)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shards", type=int, default=60, help=f"files of {SHARD:,} crops each")
    parser.add_argument("--severity", type=float, default=1.0, help="how bad light, dirt and angles may be, 0 to 1")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    stamped(given.out, seed=given.seed, severity=given.severity)
    began = time.monotonic()
    context = get_context("spawn")
    workers = [
        context.Process(
            target=make, args=(given.out, given.seed, range(first, given.shards), given.workers, given.severity)
        )
        for first in range(given.workers)
    ]
    for worker in workers:
        worker.start()
    try:
        while any(worker.is_alive() for worker in workers):
            time.sleep(5)
            done = len(list(given.out.glob("crops-*.npz")))
            print(f"{done} of {given.shards} shards, {time.monotonic() - began:.0f} s", flush=True)
    finally:
        for worker in workers:
            worker.terminate()
    if any(worker.exitcode for worker in workers):
        raise SystemExit("a process that draws crops has failed: see above")


if __name__ == "__main__":
    main()
