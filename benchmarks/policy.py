"""What one decision costs: the compiled table, with redaction and audit row, against Cedar itself. No Kafka.

A decision is timed in batches as the gate takes them; a figure is of a batch, divided by its reads.
"""

import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Annotated, Any

import psutil
import typer
from msgspec import Struct

from consumers.enforcement.forms import redactor
from consumers.enforcement.pictures import within
from ringfence.compare.judge import bench
from ringfence.entry import main
from ringfence.errors import BooksError
from ringfence.estate import Estate
from ringfence.estate import load as load_estate
from ringfence.policy.bundle import load as load_bundle
from ringfence.policy.cases import check
from ringfence.policy.decide import decide
from ringfence.policy.facts import Facts, Kind, Zone
from ringfence.policy.oracle import asker
from ringfence.policy.sealed import Enacted
from ringfence.settings import load as load_settings
from schemas.codec import codec
from schemas.records import Outcome, PoliceRead, Read

AT = 1_655_276_400_000_000  # 2022-06-15 08:00 BST, µs
REGIME = "inner-2022"
SHARE = 0.22  # of the reads that are disclosed
ASKED = 2_000  # questions put to Cedar, one by one


class Work(Struct, frozen=True):
    """A batch of reads, and what the gate does with it."""

    reads: list[Read]
    decide: Callable[[], list[Outcome]]
    redact: Callable[[list[Outcome]], list[dict[str, Any]]]
    pack: Callable[[dict[str, Any]], bytes]


def policy(
    reads: Annotated[int, typer.Option(min=100, help="Reads in a batch.")] = 10_000,
    repetitions: Annotated[int, typer.Option(min=10, help="Batches.")] = 200,
    out: Annotated[Path, typer.Option(help="Where the result goes.")] = Path("out/bench/policy.json"),
) -> None:
    """Measure the decision: table, table with redaction and audit row, Cedar."""
    folder = load_settings().policies
    began = time.perf_counter()
    bundle = load_bundle(folder)
    enacted = Enacted(1, bundle, check(bundle))
    compiled = time.perf_counter() - began
    estate = load_estate(folder / "estate")
    work = prepare(enacted, estate, reads)
    bare = [timed(work.decide) / reads for _ in range(repetitions)]
    redacted = [timed(lambda: decided(work)) / reads for _ in range(repetitions)]
    written = [timed(lambda: [work.pack(fields) for fields in decided(work)[0]]) / reads for _ in range(repetitions)]
    cedar = ask(enacted, estate, work)
    result = {
        "question": "what does one decision cost, from facts to form and audit row",
        "host": {"cores": psutil.cpu_count(), "machine": platform.machine(), "python": platform.python_version()},
        "regime": REGIME, "disclosed_share": SHARE, "reads_in_a_batch": reads, "batches": repetitions,
        "compile_all_regimes_seconds": round(compiled, 3),
        "microseconds_a_decision": {
            "table": shown(bare), "with_redaction_and_audit_row": shown(redacted),
            "with_the_disclosure_as_avro": shown(written), "cedar": shown(cedar),
        },
        "cedar_over_table": round(median(cedar) / median(bare)),
    }  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2), f"\n{out}")


def prepare(enacted: Enacted, estate: Estate, count: int) -> Work:
    """Reads of which SHARE comes from cameras that are open, with everything at hand that the gate has."""
    one = bench(enacted, estate, f"{REGIME}:none", AT)
    open_, shut = ([c.id for c in estate.cameras.values() if (c.zone in ("ccz", "lez")) == on] for on in (True, False))
    cameras = [(open_ if i % 100 < 100 * SHARE else shut)[i % 200 % len(shut)] for i in range(count)]
    reads = [Read(camera, i, AT, "LK19ABC", "LK19ABC", 95, 2) for i, camera in enumerate(cameras)]
    captured, vrms = [AT] * count, ["LK19ABC"] * count
    redact = redactor(one.law.table.forms["text"], one.label, within)

    def decisions() -> list[Outcome]:
        return decide(one.law, one.register, Kind.READ, cameras, captured, captured, vrms, AT)

    def redactions(outcomes: list[Outcome]) -> list[dict[str, Any]]:
        return [redact(read) for outcome, read in zip(outcomes, reads, strict=True) if outcome.form]

    found = len(redactions(decisions())) / count
    if abs(found - SHARE) > 0.01:
        raise BooksError(f"{found:.1%} of the reads are disclosed, and not {SHARE:.0%}")
    return Work(reads, decisions, redactions, codec(PoliceRead).pack)


def decided(work: Work) -> tuple[list[dict[str, Any]], dict[str, list[Any]]]:
    """The smaller records of a batch, and its rows of the decision batch, as the gate makes them."""
    outcomes = work.decide()
    distinct = {outcome.row: outcome for outcome in outcomes}
    index = {row: i for i, row in enumerate(distinct)}
    columns: dict[str, list[Any]] = {
        "outcomes": list(distinct.values()),
        "cameras": [read.camera for read in work.reads],
        "sequences": [read.sequence for read in work.reads],
        "captured": [read.captured_at for read in work.reads],
        "decisions": [index[outcome.row] for outcome in outcomes],
    }
    return work.redact(outcomes), columns


def ask(enacted: Enacted, estate: Estate, work: Work) -> list[float]:
    """µs of each of ASKED questions put to Cedar, its rules parsed once; every answer must be the table's."""
    ask_cedar, form = asker(enacted.bundle, enacted.bundle.regime(REGIME)), enacted.bundle.forms[0]
    costs = []
    for read, outcome in list(zip(work.reads, work.decide(), strict=True))[:ASKED]:
        camera = estate.cameras[read.camera]
        facts = Facts(zone=Zone(camera.zone), activation=estate.activation(camera.id))
        began = time.process_time_ns()
        answer = ask_cedar(facts, form)
        costs.append((time.process_time_ns() - began) / 1_000)
        if (answer.allowed, answer.rules) != (bool(outcome.form), outcome.rules):
            raise BooksError(f"Cedar and the table disagree on {facts}")
    return costs


def timed(work: Callable[[], object]) -> float:
    """µs of CPU of this process."""
    began = time.process_time_ns()
    work()
    return (time.process_time_ns() - began) / 1_000


def shown(found: list[float]) -> dict[str, float]:
    """The middle and the slow end."""
    cuts = quantiles(found, n=100)
    return {"p50": round(median(found), 3), "p99": round(cuts[98], 3)}


if __name__ == "__main__":
    main(policy)
