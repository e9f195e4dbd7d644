"""What Kafka's first run does, so that its ahead-of-time cache holds what a pipeline needs, and not the start alone.

Topics, users and rights as in the table; then records from a camera's user through the transactions of a stage.
Without it the first seconds of every later run are slow: the broker would load and link those classes then.
"""

from contextlib import ExitStack, closing
from pathlib import Path

from msgspec.structs import replace

from ringfence import access
from ringfence.kafka_io import SCRAM, Connection, producer
from ringfence.transact import Input, Writer
from schemas.topics import FRAMES, READS, User

TURNS, MOST = 150, 100
VALUE = bytes(10_000)


def rehearse(admin: Connection, bootstrap: str, home: Path) -> None:
    """Runs ``TURNS`` transactions on a broker that holds nothing yet. ``home`` is for passwords that go again."""
    access.apply(admin, home)
    cameras, ocr = (
        replace(admin, bootstrap=bootstrap, user=user.value, password=access.password(home, user), mechanism=SCRAM)
        for user in (User.CAMERAS, User.OCR)
    )
    with ExitStack() as stack:
        sender = stack.enter_context(closing(producer(cameras)))
        writer = stack.enter_context(Writer(ocr, f"{User.OCR}-0"))
        source = stack.enter_context(Input(ocr, User.OCR, "0", [FRAMES.name], MOST))
        for turn in range(TURNS):
            sender.send(FRAMES.name, value=VALUE, partition=turn % FRAMES.partitions)
            gathered = source.gather(idle=0.05, linger=0.0, most=MOST)
            if gathered:
                writer.begin()
                writer.send(READS.name, turn % READS.partitions, None, VALUE)
                writer.commit(source, gathered, {})
