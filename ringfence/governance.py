"""``ringfence order``, ``orders``, ``suspend``, ``resume``: what the offices order, signed."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from ringfence import bundles, clock, entry, keys, options, terminal
from ringfence.errors import FileError, PolicyError, RecordError, ResourceBusyError, SettingError
from ringfence.estate import load as load_estate
from ringfence.intake import Given, take
from ringfence.kafka_io import KafkaError, check, producer, translate
from ringfence.kafka_read import read_all
from ringfence.policy.authority import OPENING, Office, Trust, admit, is_genuine, key_of, sign
from ringfence.policy.bundle import load as load_bundle
from ringfence.policy.facts import Purpose
from ringfence.policy.orders import ALL, Force
from ringfence.policy.sealed import unseal
from ringfence.run import Context, enter
from ringfence.vrm import normalise
from schemas.codec import UndecodableError, codec
from schemas.records import Order, OrderKind
from schemas.topics import ORDERS, User

Why = Annotated[str, typer.Option(help="The justification. It is kept with the order.")]
By = Annotated[str, typer.Option(help="Who gives it.")]
GOVERNOR = "Mayor of London (simulated)"
TRIES = 3
Scope = Annotated[str, typer.Option(help="all, zone/ccz, camera/12 or form/text.")]

order = entry.application(help="Give an order, signed by the office that may give it.")


def suspend(
    why: Why, scope: Scope = ALL, by: By = GOVERNOR, bootstrap: options.Bootstrap = None, home: options.Home = None,
    clock_offset: options.ClockOffset = None,
) -> None:  # fmt: skip
    """Suspend disclosure, of all or within a scope, from the next transaction of every gate on."""
    _give(Office.GOVERNOR, OrderKind.SUSPEND, scope, by, why, {}, bootstrap, home, clock_offset)


def resume(
    why: Why, scope: Scope = ALL, by: By = GOVERNOR, bootstrap: options.Bootstrap = None, home: options.Home = None,
    clock_offset: options.ClockOffset = None,
) -> None:  # fmt: skip
    """Resume disclosure after a suspension. Of all: whatever was suspended."""
    _give(Office.GOVERNOR, OrderKind.RESUME, scope, by, why, {}, bootstrap, home, clock_offset)


@order.command("give")
def give_order(
    kind: Annotated[OrderKind, typer.Argument(help="What is ordered.", case_sensitive=False)],
    subject: Annotated[str, typer.Argument(help="Scope, tranche, vehicle, place, list, document, number, file.")],
    why: Why,
    by: By,
    office: Annotated[Office, typer.Option(help="The office; its private key must be here.")] = Office.GOVERNOR,
    purpose: Annotated[Purpose, typer.Option(help="Of an authorisation.")] = Purpose.CRIME,
    covers_from: Annotated[str | None, typer.Option(help="First moment of capture that it covers, ISO 8601.")] = None,
    covers_until: Annotated[str | None, typer.Option(help="Moment from which it covers no more.")] = None,
    expires: Annotated[str | None, typer.Option(help="Refuse it if it comes later than this.")] = None,
    vrm: Annotated[list[str] | None, typer.Option(help="A mark for a list; more than once for more.")] = None,
    vrms: Annotated[Path | None, typer.Option(help="A file of marks, one a line.")] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place-of-missing", help="It takes the number of an order that is missing.")
    ] = False,
    bootstrap: options.Bootstrap = None,
    home: options.Home = None,
    clock_offset: options.ClockOffset = None,
) -> None:
    """Give an order: suspend, resume, activate, deactivate, authorise, revoke, list, unlist, record, object, bundle."""
    more: dict[str, Any] = {
        "purpose": purpose.value if kind is OrderKind.AUTHORISE else "",
        "covers_from": _moment("--covers-from", covers_from),
        "covers_until": _moment("--covers-until", covers_until),
        "expires_at": _moment("--expires", expires),
        "in_place": in_place,
        "vrms": list(dict.fromkeys(normalise(mark) for mark in (*(vrm or ()), *_marks(vrms)))),
    }
    _give(office, kind, subject, by, why, more, bootstrap, home, clock_offset)


@order.command("list")
def list_orders(
    bootstrap: options.Bootstrap = None, home: options.Home = None, clock_offset: options.ClockOffset = None
) -> None:
    """List every order given, with who, why, and whether it is believed. Marks on lists are counted, not shown."""
    context = enter(User.GOVERNANCE, {"bootstrap": bootstrap, "home": home, "clock_offset": clock_offset})
    table = terminal.table("no.", "orders", "about", "by", "why", "given", "obeyed")
    given, force = history(context, keys.trust(context.settings.home))
    for one in given:
        held = "yes" if one.refused is None else f"no: {one.refused}"
        if one.order is None:
            table.add_row("?", "?", "?", "?", "?", "?", held)
            continue
        o = one.order
        about = f"{o.subject} ({len(o.vrms)} marks)" if o.vrms else o.subject
        table.add_row(f"{o.office}/{o.sequence}", o.kind, about, o.issued_by, o.why, clock.text(o.issued_at)[:19], held)
    terminal.console().print(table if table.row_count else "no orders")
    for office in force.due:
        terminal.console().print(_missing(force, office))


def _missing(force: Force, office: str) -> str:
    return (
        f"order {force.last(office) + 1} of the {office} is missing, and nothing is disclosed until that office has"
        f" come to number {force.due[office].number} again: send the missing ones as they were, or give others with"
        " --in-place-of-missing"
    )


def history(context: Context, trust: Trust) -> tuple[list[Given], Force]:
    """Every order on the topic with what came of it, and what is in force."""
    found, force = [], Force()
    for delivery in read_all(context.connection, [ORDERS.name]):
        force, given = take(force, delivery, trust, context.clock)
        found.append(given)
    return found, force


def give(
    context: Context, office: str, kind: OrderKind, subject: str, by: str, why: str,
    in_place: bool = False, **more: Any,
) -> Order:  # fmt: skip
    """Signs an order, and returns it once the broker has acknowledged it.

    RecordError or PolicyError if it would be refused; then it is not sent. ``in_place``: of one that is missing;
    without it SettingError, if one of that office is.
    """
    signer, trust = keys.signer(context.settings.home, office), keys.trust(context.settings.home)
    for _ in range(TRIES):
        _, force = history(context, trust)
        if office in force.due and not in_place:
            raise SettingError(_missing(force, office))
        number, now = force.last(office) + 1, context.clock.now()
        new = sign(Order(number, office, kind, subject, by, why, now, **more), signer)
        _, refused = admit(force, new, trust, now)
        if refused:
            raise refused
        _send(context, new)
        if _first(context, new, trust) == new:
            return new
    raise ResourceBusyError(f"the {office} gives other orders at the same time: give it again")


def _send(context: Context, new: Order) -> None:
    writer = producer(context.connection)
    try:
        writer.send(ORDERS.name, value=codec(Order).encode(new), key=key_of(new), partition=0).get(timeout=10)
    except KafkaError as error:
        raise translate(error) from error
    finally:
        writer.close(timeout=5)


def _first(context: Context, new: Order, trust: Trust) -> Order | None:
    """The first genuine order of this office and number: another process may have been quicker."""
    for delivery in read_all(context.connection, [ORDERS.name]):
        with suppress(UndecodableError):
            one = codec(Order).decode(delivery.value)
            if (one.office, one.sequence) == (new.office, new.sequence) and is_genuine(one, trust):
                return one
    return None


def inaugurate(context: Context) -> int:
    """Number of the bundle in force. If there is none, the governor enacts the one in the policies folder first.

    For an installation that plays all the parts itself.
    """
    settings = context.settings
    _, force = history(context, keys.trust(settings.home))
    if force.enacted is not None:
        return force.enacted.number
    data = bundles.made_of(settings.policies, 1, settings.home)
    give(context, Office.GOVERNOR, OrderKind.BUNDLE, "bundle/1", GOVERNOR, "the first bundle", bundle=data)
    return 1


def _give(
    office: Office, kind: OrderKind, subject: str, by: str, why: str, more: dict[str, Any],
    bootstrap: str | None, home: Path | None, clock_offset: float | None,
) -> None:  # fmt: skip
    context = enter(User.GOVERNANCE, {"bootstrap": bootstrap, "home": home, "clock_offset": clock_offset})
    check(context.connection, read=[ORDERS.name])
    if more.get("expires_at") is not None and kind not in OPENING:
        raise SettingError(f"--expires: an order to {kind.lower()} has no date, it is obeyed however late it comes")
    if kind is OrderKind.AUTHORISE and subject.startswith("vrm/"):
        subject = f"vrm/{normalise(subject.removeprefix('vrm/'))}"
    _check_subject(context, kind, subject)
    if kind is OrderKind.BUNDLE:
        data = bundles.read(Path(subject))
        more, subject = {**more, "bundle": data}, f"bundle/{unseal(data).number}"
    try:
        given = give(context, office, kind, subject, by, why, **more)
    except (RecordError, PolicyError) as error:
        raise SettingError(f"this order would be refused: {error}") from None
    typer.echo(f"order {given.office}/{given.sequence}: {kind.value} {subject}, acknowledged")


def _check_subject(context: Context, kind: OrderKind, subject: str) -> None:
    """SettingError if it names a zone, camera, form or tranche that is not there: it would do nothing, quietly."""
    estate, bundle = load_estate(context.settings.policies / "estate"), load_bundle(context.settings.policies)
    there = {
        "zone": set(estate.zones),
        "camera": set(map(str, estate.cameras)),
        "form": {form.name for form in bundle.forms},
    }
    what, _, name = subject.partition("/")
    if name and what in there and name not in there[what]:
        raise SettingError(f"there is no {what} {name!r}")
    if kind in (OrderKind.ACTIVATE, OrderKind.DEACTIVATE) and subject not in estate.tranches:
        raise SettingError(f"there is no tranche {subject!r}; there are: {', '.join(estate.tranches)}")
    if kind in (OrderKind.ACTIVATE, OrderKind.DEACTIVATE) and not estate.tranches[subject].needs_activation:
        raise SettingError(f"tranche {subject!r} needs no activation: to close its cameras, suspend them or their zone")


def _moment(option: str, given: str | None) -> int | None:
    return None if given is None else options.moment(option, given)


def _marks(file: Path | None) -> Iterator[str]:
    if file is not None:
        try:
            yield from (line for line in file.read_text("utf-8").splitlines() if line.strip())
        except (OSError, UnicodeDecodeError):
            raise FileError(f"cannot read the marks in {file}: give a text file with one mark a line") from None
