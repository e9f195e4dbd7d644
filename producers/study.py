"""The work behind ``ringfence compare``: makes days, puts each before every regime, and gathers the figures."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from msgspec import Struct

from producers.day import make_day, places_of
from producers.siting import outlines
from ringfence.clock import SECOND
from ringfence.compare.judge import UNACTIVATED, Bench, answers, bench, judge, open_cameras
from ringfence.compare.measures import Figures, measures
from ringfence.compare.report import Row, Scene
from ringfence.estate import Estate
from ringfence.estate import load as load_estate
from ringfence.policy.bundle import load as load_bundle
from ringfence.policy.cases import check
from ringfence.policy.sealed import Enacted
from schemas.records import Outcome

ESTATE, ZONES = "estate", "zones.geojson"
NOON = 12 * 3_600 * SECOND


class Job(Struct, frozen=True):
    """One day, of one seed, under all the regimes: what one process can work on by itself."""

    policies: Path
    regimes: tuple[str, ...]
    sample: float
    midnight: int
    seed: int


def study(job: Job) -> list[Figures]:
    """The figures of one day, one mapping a regime, in the order of the regimes."""
    estate, benches = _benches(job)
    zones = (job.policies / ESTATE / ZONES).read_text("utf-8")
    day = make_day(estate, places_of(estate, outlines(zones)), job.seed, job.sample, job.midnight)
    return [measures(day, judge(day, one), job.midnight, job.seed) for one in benches]


def studies(jobs: Sequence[Job], processes: int) -> Iterator[list[Figures]]:
    """The figures of all days in the order of the jobs, whichever is done first, so that the result is the same."""
    if processes == 1:
        yield from map(study, jobs)
        return
    pool = ProcessPoolExecutor(min(processes, len(jobs)))
    try:
        yield from pool.map(study, jobs)
    finally:
        pool.shutdown(cancel_futures=True)


def gather(jobs: Sequence[Job], days: Sequence[Sequence[Figures]], day: str) -> tuple[Scene, list[Row]]:
    """What the report is made of."""
    estate, benches = _benches(jobs[0])
    first = jobs[0]
    scene = Scene(
        day, [job.seed for job in jobs], first.sample, benches[0].law.bundle_digest.hex(),
        estate.digest.hex(),
    )  # fmt: skip
    rows = [
        Row(
            one.id, one.label, one.regime.status, one.regime.title, one.register.purpose,
            open_cameras(one, estate, first.midnight + NOON), [figures[i] for figures in days],
        )
        for i, one in enumerate(benches)
    ]  # fmt: skip
    return scene, rows


def maps_of(job: Job) -> tuple[Estate, dict[str, Any], dict[str, dict[int, tuple[Outcome, Outcome]]]]:
    """What the maps show: the estate, the outlines of the zones, and by regime what each camera gives at noon."""
    estate, benches = _benches(job)
    zones = json.loads((job.policies / ESTATE / ZONES).read_text("utf-8"))
    return estate, zones, {one.id: answers(one, estate, job.midnight + NOON) for one in benches}


def _benches(job: Job) -> tuple[Estate, list[Bench]]:
    estate, bundle = load_estate(job.policies / ESTATE), load_bundle(job.policies)
    wanted = bundle.of({name.removesuffix(UNACTIVATED) for name in job.regimes})
    enacted = Enacted(0, bundle, check(wanted))
    return estate, [bench(enacted, estate, name, job.midnight) for name in job.regimes]
