"""``ringfence suspend`` and ``resume``: orders of the governing authority."""

from typing import Annotated

import typer

from ringfence import options
from ringfence.kafka_io import KafkaError, check, producer, translate
from ringfence.policy.orders import ALL, key
from ringfence.run import Context, enter
from schemas.codec import codec
from schemas.records import Order, OrderKind
from schemas.topics import ORDERS, User

Why = Annotated[str, typer.Option(help="The justification. It is kept with the order.")]
By = Annotated[str, typer.Option(help="Who orders it.")]
AUTHORITY = "Mayor of London (simulated)"


def suspend(
    why: Why, by: By = AUTHORITY, bootstrap: options.Bootstrap = None, home: options.Home = None,
    clock_offset: options.ClockOffset = None,
) -> None:  # fmt: skip
    """Suspend all disclosure, from the next transaction of every gate on."""
    _order(OrderKind.SUSPEND, why, by, bootstrap=bootstrap, home=home, clock_offset=clock_offset)


def resume(
    why: Why, by: By = AUTHORITY, bootstrap: options.Bootstrap = None, home: options.Home = None,
    clock_offset: options.ClockOffset = None,
) -> None:  # fmt: skip
    """Resume disclosure after a suspension."""
    _order(OrderKind.RESUME, why, by, bootstrap=bootstrap, home=home, clock_offset=clock_offset)


def _order(kind: OrderKind, why: str, by: str, **given: object) -> None:
    context = enter(User.GOVERNANCE, given)
    check(context.connection, write=[ORDERS.name])
    offset = give(context, Order(kind, ALL, by, why, context.clock.now()))
    typer.echo(f"{kind.value} {ALL}: acknowledged at {ORDERS.name} offset {offset}")


def give(context: Context, order: Order) -> int:
    """Writes an order and returns its offset once the broker has acknowledged it."""
    writer = producer(context.connection)
    try:
        sent = writer.send(ORDERS.name, value=codec(Order).encode(order), key=key(order), partition=0)
        return int(sent.get(timeout=10).offset)
    except KafkaError as error:
        raise translate(error) from error
    finally:
        writer.close(timeout=5)
