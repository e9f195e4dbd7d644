"""The front or the rear of a vehicle as flat polygons, in millimetres around the middle of its plate.

x runs to the right, y down. The shapes say where a plate sits, not what make the car is.
"""

from collections.abc import Iterator

from msgspec import Struct

Colour = tuple[float, float, float]
Polygon = tuple[tuple[float, float], ...]

GLASS, TYRE, PLASTIC, RUBBER = (58.0, 50, 42), (22.0, 22, 22), (46.0, 45, 44), (30.0, 30, 30)
LAMP, TAIL, AMBER = (226.0, 228, 226), (32.0, 28, 150), (40.0, 120, 220)
CHROME, SKIN = (150.0, 152, 152), (120.0, 138, 160)
# White, black, silver, grey, blue, red, green, dark blue: what London drives. Blue, green, red.
PAINTS: tuple[Colour, ...] = (
    (222, 224, 224), (34, 34, 34), (172, 174, 172), (98, 98, 96), (150, 84, 36), (36, 32, 160),
    (62, 84, 44), (84, 44, 26), (206, 210, 212), (56, 56, 58), (126, 128, 128), (60, 40, 30),
)  # fmt: skip


class Body(Struct, frozen=True):
    """A shape of vehicle: half its width, and how far roof, waist and ground are from the plate, in mm."""

    half: float
    roof: float
    waist: float
    ground: float
    window: float  # width of the window as a share of the body
    holds_two_lines: bool = False


class Part(Struct, frozen=True):
    """One polygon in one colour. ``lit``: a lamp, as bright by night as by day."""

    polygon: Polygon
    colour: Colour
    lit: bool = False


HATCHBACK = Body(860, -1040, -420, 520, 0.74)
SALOON = Body(900, -880, -380, 480, 0.70)
OFF_ROADER = Body(950, -1280, -520, 640, 0.78, True)
VAN = Body(980, -1650, -560, 560, 0.86, True)
BODIES = (HATCHBACK, HATCHBACK, SALOON, SALOON, OFF_ROADER, VAN)


def parts(body: Body, paint: Colour, rear: bool) -> Iterator[Part]:
    """The polygons of a vehicle, to be painted in this order."""
    yield from _stance(body)
    yield from _shell(body, paint)
    yield from (_tail if rear else _face)(body, paint)


def _stance(body: Body) -> Iterator[Part]:
    wide, ground = body.half, body.ground
    yield Part(
        ((-wide * 1.06, ground - 90), (wide * 1.06, ground - 90), (wide, ground + 50), (-wide, ground + 50)),
        (38, 38, 38),
    )
    for side in (-1, 1):
        yield Part(_box(side * (wide - 130), ground - 190, 105, 215), TYRE)


def _shell(body: Body, paint: Colour) -> Iterator[Part]:
    """Roof, window, waist, flanks: lighter above, darker below, as under a sky."""
    wide, roof, waist = body.half, body.roof, body.waist
    top, pane = wide * body.window, wide * body.window - 70
    yield Part(((-top + 60, roof), (top - 60, roof), (wide - 20, waist), (-wide + 20, waist)), shade(paint, 1.04))
    yield Part(((-pane + 50, roof + 90), (pane - 50, roof + 90), (wide - 130, waist), (-wide + 130, waist)), GLASS)
    yield Part(
        ((-pane + 90, roof + 110), (-pane * 0.2, roof + 110), (-wide * 0.5, waist - 40), (-wide + 190, waist - 40)),
        shade(GLASS, 1.45),
    )
    yield Part(((-wide + 20, waist), (wide - 20, waist), (wide, waist + 130), (-wide, waist + 130)), shade(paint, 1.1))
    yield Part(((-wide, waist + 130), (wide, waist + 130), (wide + 10, 40), (-wide - 10, 40)), paint)
    yield Part(
        ((-wide - 10, 40), (wide + 10, 40), (wide - 30, body.ground - 170), (-wide + 30, body.ground - 170)),
        shade(paint, 0.78),
    )


def _face(body: Body, paint: Colour) -> Iterator[Part]:
    wide, waist = body.half, body.waist
    for side in (-1, 1):
        yield Part(
            (
                (side * wide * 0.52, -190),
                (side * wide * 0.97, -250),
                (side * wide * 0.99, -110),
                (side * wide * 0.60, -100),
            ),
            LAMP,
            True,
        )
        yield Part(_box(side * wide * 0.78, 150, 75, 40), AMBER)
        yield Part(_box(side * (wide + 90), waist - 60, 80, 55), shade(paint, 0.7))
    yield Part(_box(0, -205, wide * 0.46, 65), PLASTIC)
    for bar in (-250, -205, -160):
        yield Part(_box(0, bar, wide * 0.44, 8), CHROME)
    yield Part(_box(0, -205, 45, 45), shade(CHROME, 1.2))
    yield Part(_box(0, 190, wide * 0.62, 60), RUBBER)
    yield Part(_box(0, 85, wide * 0.95, 7), shade(paint, 0.6))


def _tail(body: Body, paint: Colour) -> Iterator[Part]:
    wide, waist = body.half, body.waist
    for side in (-1, 1):
        yield Part(
            (
                (side * wide * 0.74, waist + 150),
                (side * wide, waist + 120),
                (side * wide, waist + 420),
                (side * wide * 0.80, waist + 380),
            ),
            TAIL,
            True,
        )
        yield Part(_box(side * wide * 0.86, waist + 330, 60, 32), shade(LAMP, 0.8))
        yield Part(_box(side * wide * 0.72, 330, 120, 22), (40, 34, 120))
    tall = 150 if body.holds_two_lines else 85
    yield Part(_box(0, -10, 330, tall + 20), shade(paint, 0.62))
    yield Part(_box(0, waist + 175, 60, 34), CHROME)
    yield Part(_box(0, 240, wide * 0.94, 90), PLASTIC)
    yield Part(_box(0, 140, wide * 0.95, 6), shade(paint, 0.5))


def shade(colour: Colour, factor: float) -> Colour:
    """The colour, lighter or darker."""
    blue, green, red = (min(255.0, channel * factor) for channel in colour)
    return blue, green, red


def _box(x: float, y: float, half: float, tall: float) -> Polygon:
    """A rectangle around (x, y), half as wide and as tall as ``half`` and ``tall`` say."""
    return (x - half, y - tall), (x + half, y - tall), (x + half, y + tall), (x - half, y + tall)
