"""The mark and the looks of every vehicle, as a function of (seed, date, number of the vehicle).

Numbers are first shuffled, then split by shares: ``split`` sends each number to one choice, and gives that
choice numbers 0, 1, 2 … of its own. So shares are exact, and two vehicles never have the same mark.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import accumulate
from math import exp, gcd, prod

from msgspec import Struct

from producers.chance import fraction, mix
from producers.traffic import local
from ringfence.vrm import Style

# A prime: vehicles are numbered below it, and multiplying modulo a prime shuffles them.
MOST_VEHICLES = 10_000_019

# Of 10,000 vehicles: 1.5 % non-UK (GK), the others in the mix of docs/sources.md (GK); its "other" is q.
STYLES = {
    Style.CURRENT: 9_160, Style.PREFIX: 394, Style.DATELESS: 148, Style.NORTHERN_IRELAND: 69, Style.Q: 39,
    Style.SUFFIX: 30, Style.DIPLOMATIC: 10, Style.FOREIGN_OR_UNKNOWN: 150,
}  # fmt: skip
SHARES = tuple(STYLES.values())
NAMES = tuple(STYLES)

LETTERS = "ABCDEFGHJKLMNOPRSTUVWXY"
LAST_LETTERS = LETTERS + "Z"
YEAR_LETTERS = "ABCDEFGHJKLMNPRSTVWXY"
NUMBERS = range(1, 1_000)
LONDON_TAGS = tuple("L" + c for c in "ABCDEFGHJKLMNOPRSTUVWXY")
# First letters of the other DVLA regions (GK).
OTHER_TAGS = tuple(a + b for a in "ABCDEFGHKMNOPRSVWY" for b in LETTERS)
LONDON_SHARE = (6, 4)  # of ten vehicles seen in London, so many have a London tag (GK)

# GK: two-line plates on the rear of some 4x4s, motorcycles.
TWO_LINE, MOTORCYCLES = 0.012, 0.015
# GK: zero-emission share of the new registrations, and of those how many have the UK band, from when (V).
GREEN_FLASH = {(2020, 9): 0.04, (2021, 3): 0.12}
UK_BAND_FROM, UK_BAND = (2021, 9), 0.6

Parts = tuple[Sequence[object], ...]
Forms = tuple[Parts, ...]
Period = tuple[int, int]  # year, and month in which an age identifier begins: 3 or 9


class Mark(Struct, frozen=True, gc=False):
    """What a camera could see of a vehicle. A motorcycle's plate has two lines, and only the rear has one."""

    vrm: str
    style: Style
    motorcycle: bool
    two_line: bool
    green_flash: bool
    uk_band: bool


class Fleet:
    """All vehicles of one seed as they are on one day: no mark is newer than ``at`` (µs).

    ValueError before September 2001, when the current style began.
    """

    def __init__(self, seed: int, at: int) -> None:
        self.seed = seed
        self.periods = periods(at)
        if not self.periods:
            raise ValueError("the current style begins in September 2001: choose a later day")
        self.ages = _age_shares(self.periods, at)
        self._key = 1 + mix(seed, 1) % (MOST_VEHICLES - 1)
        self._shift = mix(seed, 2) % MOST_VEHICLES

    def mark(self, vehicle: int) -> Mark:
        """The mark of a vehicle, 0 to MOST_VEHICLES - 1. ValueError outside of that."""
        if not 0 <= vehicle < MOST_VEHICLES:
            raise ValueError(f"vehicle {vehicle} is not below {MOST_VEHICLES}")
        choice, k = split((vehicle * self._key + self._shift) % MOST_VEHICLES, SHARES)
        style, period = NAMES[choice], None
        if style is Style.CURRENT:
            age, k = split(k, self.ages)
            period = self.periods[age]
            vrm = _current(k, period)
        else:
            vrm = WRITERS[style](k)
        return self._looks(vehicle, vrm, style, period)

    def _looks(self, vehicle: int, vrm: str, style: Style, period: Period | None) -> Mark:
        body, extra = fraction(self.seed, 3, vehicle), fraction(self.seed, 4, vehicle)
        motorcycle = body < MOTORCYCLES and style is not Style.DIPLOMATIC
        return Mark(
            vrm=vrm,
            style=style,
            motorcycle=motorcycle,
            two_line=motorcycle or body > 1 - TWO_LINE,
            green_flash=period is not None and extra < _flash_share(period),
            uk_band=period is not None and period >= UK_BAND_FROM and extra > 1 - UK_BAND,
        )


def split(k: int, shares: tuple[int, ...]) -> tuple[int, int]:
    """Sends a number to a choice, in the proportion of ``shares``: (choice, running number within it)."""
    ends = _ends(shares)
    turn, rest = divmod(k, ends[-1])
    choice = bisect_right(ends, rest)
    return choice, turn * shares[choice] + rest - (ends[choice] - shares[choice])


@cache
def _ends(shares: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(accumulate(shares))


def periods(at: int) -> tuple[Period, ...]:
    """Every period of the current style up to a moment (µs), the newest first: (2022, 3), (2021, 9) …"""
    now = local(at)
    every = [(year, month) for year in range(2001, now.year + 1) for month in (3, 9)]
    return tuple(reversed([p for p in every if (2001, 9) <= p <= (now.year, now.month)]))


def age_identifier(period: Period) -> str:
    """22 from March 2022, 72 from September 2022; 02 and 51 are the first (V)."""
    year, month = period
    return f"{year % 100 + (50 if month == 9 else 0):02d}"


def _flash_share(period: Period) -> float:
    return max((share for first, share in GREEN_FLASH.items() if period >= first), default=0.0)


def _age_shares(listed: Sequence[Period], at: int) -> tuple[int, ...]:
    """How many vehicles there are of each period: as many every year, fewer from the 6th year on (GK)."""
    now = local(at)
    newest = (now.year - listed[0][0]) * 12 + now.month - listed[0][1]
    weights = [exp(-max(0.0, i / 2 - 6) / 6) for i in range(len(listed))]
    weights[0] *= (newest + 1) / 6
    return tuple(max(1, round(1_000 * weight)) for weight in weights)


def _current(k: int, period: Period) -> str:
    london, k = split(k, LONDON_SHARE)
    capacity = len(LONDON_TAGS) * len(LAST_LETTERS) ** 3
    if london == 0 and k < capacity:
        tags = LONDON_TAGS
    elif london == 0:
        # No London mark is left: take those elsewhere from the end, where nobody else takes them.
        tags, k = OTHER_TAGS, len(OTHER_TAGS) * len(LAST_LETTERS) ** 3 - 1 - (k - capacity)
    else:
        tags = OTHER_TAGS
    return _write(k, (tags, (age_identifier(period),), LAST_LETTERS, LAST_LETTERS, LAST_LETTERS))


def _prefix(k: int) -> str:
    return _write(k, (YEAR_LETTERS, NUMBERS, LETTERS, LETTERS, LETTERS))


def _suffix(k: int) -> str:
    return _write(k, (LETTERS, LETTERS, LETTERS, NUMBERS, YEAR_LETTERS))


def _q(k: int) -> str:
    return _write(k, ("Q", NUMBERS, LETTERS, LETTERS, LETTERS))


def _dateless(k: int) -> str:
    forms: Forms = (
        (NUMBERS, LETTERS, LETTERS, LETTERS),
        (LETTERS, LETTERS, LETTERS, NUMBERS),
        (range(1_000, 10_000), LETTERS, LETTERS),
    )
    return _one_of(k, forms)


def _northern_ireland(k: int) -> str:
    return _write(k, (LETTERS, "I", LAST_LETTERS, range(1, 10_000)))


def _diplomatic(k: int) -> str:
    return _write(k, (range(100, 1_000), "DX", range(100, 1_000)))


def _foreign(k: int) -> str:
    """France, Germany, Ireland, the Netherlands, Poland: shapes that no UK style has."""
    five = range(10_000, 100_000)
    forms: Forms = (
        (LETTERS, LETTERS, range(100, 1_000), LETTERS, LETTERS),
        ("B", LETTERS, LETTERS, range(1_000, 10_000)),
        (range(141, 212, 10), "D", five),
        (range(10, 100), LETTERS, LETTERS, LETTERS, range(1, 10)),
        ("KPWDG", "AEO", five),
    )
    return _one_of(k, forms)


def _one_of(k: int, forms: Forms) -> str:
    form, k = split(k, (1,) * len(forms))
    return _write(k, forms[form])


def _write(k: int, parts: Parts) -> str:
    """The k-th way to take one of each part, shuffled. ValueError if there are not so many."""
    capacity = prod(map(len, parts))
    if k >= capacity:
        raise ValueError(f"there are only {capacity} such marks")
    k = k * _stride(capacity) % capacity
    text = ""
    for part in reversed(parts):
        k, i = divmod(k, len(part))
        text = f"{part[i]}{text}"
    return text


@cache
def _stride(capacity: int) -> int:
    """Close to the golden section, with no factor in common with ``capacity``: multiplying by it shuffles."""
    stride = int(capacity * 0.6180339887) | 1
    while gcd(stride, capacity) != 1:
        stride += 2
    return stride


WRITERS: Mapping[Style, Callable[[int], str]] = {
    Style.PREFIX: _prefix,
    Style.DATELESS: _dateless,
    Style.NORTHERN_IRELAND: _northern_ireland,
    Style.Q: _q,
    Style.SUFFIX: _suffix,
    Style.DIPLOMATIC: _diplomatic,
    Style.FOREIGN_OR_UNKNOWN: _foreign,
}
