"""The grammar of UK vehicle registration marks: normalise, classify, repair and display. Pure.

Forms and their order are those of the table in docs; anything that fits none is kept, as
``foreign_or_unknown``. On a UK plate 0 and O are one glyph, and so are 1 and I: only the place tells which.
"""

import re
from enum import StrEnum
from functools import cache

from msgspec import Struct


class Style(StrEnum):
    """The styles of mark that are issued in the United Kingdom, and the rest."""

    CURRENT = "current"
    PREFIX = "prefix"
    Q = "q"
    SUFFIX = "suffix"
    DATELESS = "dateless"
    NORTHERN_IRELAND = "northern_ireland"
    DIPLOMATIC = "diplomatic"
    FOREIGN_OR_UNKNOWN = "foreign_or_unknown"


class Repaired(Struct, frozen=True, gc=False):
    """A mark after repair. ``changed``: a character is not the one that was read."""

    vrm: str
    style: Style
    changed: bool


LETTERS = "ABCDEFGHJKLMNOPRSTUVWXY"
YEARS = "ABCDEFGHJKLMNPRSTVWXY"
LAST = LETTERS + "Z"
DIGITS, FIRST = "0123456789", "123456789"
Form = tuple[str, ...]


def _number(most: int) -> list[Form]:
    """Numbers of one to ``most`` digits that do not begin with 0."""
    return [(FIRST, *(DIGITS,) * more) for more in range(most)]


_AGES = (("0", "23456789"), ("1234", DIGITS), ("5", "123456789"), ("6789", DIGITS))
_NI = ((LETTERS, "I", LAST), (LETTERS, LETTERS, "Z"))
# The marks of a style: for each place, the characters that may stand there. No mark is in two forms of one style.
# Styles are in the order in which they are tried.
FORMS: dict[Style, tuple[Form, ...]] = {
    Style.CURRENT: tuple((LETTERS, LETTERS, *age, LAST, LAST, LAST) for age in _AGES),
    Style.PREFIX: tuple((YEARS, *number, LETTERS, LETTERS, LETTERS) for number in _number(3)),
    Style.Q: tuple(("Q", *number, LETTERS, LETTERS, LETTERS) for number in _number(3)),
    Style.SUFFIX: tuple((LETTERS, LETTERS, LETTERS, *number, YEARS) for number in _number(3)),
    Style.DATELESS: tuple(
        form
        for letters, most in ((1, 4), (2, 4), (3, 3))
        for number in _number(most)
        for form in ((*number, *(LETTERS,) * letters), (*(LETTERS,) * letters, *number))
    ),
    Style.NORTHERN_IRELAND: tuple(
        form for letters in _NI for number in _number(4) for form in ((*letters, *number), (*number, *letters))
    ),
    Style.DIPLOMATIC: ((FIRST, DIGITS, DIGITS, "DX", FIRST, DIGITS, DIGITS),),
}
PATTERNS: dict[Style, re.Pattern[str]] = {
    style: re.compile("|".join("".join(f"[{characters}]" for characters in form) for form in forms))
    for style, forms in FORMS.items()
}
RANK = {style: rank for rank, style in enumerate(Style)}

# Where letters (A) and digits (9) stand in the marks of each style.
_SHAPES = frozenset(
    ["AA99AAA", "999A999"]
    + ["A" + "9" * n + "AAA" for n in (1, 2, 3)]
    + ["AAA" + "9" * n + "A" for n in (1, 2, 3)]
    + [shape for a in (1, 2, 3) for n in (1, 2, 3, 4) for shape in ("A" * a + "9" * n, "9" * n + "A" * a)]
)
_SAME_GLYPH = {"O": "0", "I": "1"}
_LOOK_ALIKE = {"Z": "2", "S": "5", "B": "8", "G": "6"}
_TO_DIGIT = _SAME_GLYPH | _LOOK_ALIKE
_TO_LETTER = {digit: letter for letter, digit in _TO_DIGIT.items()}
_DOUBTFUL = frozenset(_LOOK_ALIKE) | frozenset(_LOOK_ALIKE.values())
# Two look-alikes in one mark would be more invention than repair.
MOST_LOOK_ALIKES = 1

_SPACED = {
    Style.CURRENT: r"(.{4})(.{3})",
    Style.PREFIX: r"(.+)(.{3})",
    Style.Q: r"(.+)(.{3})",
    Style.SUFFIX: r"(.{3})(.+)",
    Style.DATELESS: r"(\d+|\D+)(.+)",
    Style.NORTHERN_IRELAND: r"(\d+|\D+)(.+)",
    Style.DIPLOMATIC: r"(.{3})(.)(.{3})",
}


def normalise(text: str) -> str:
    """Capital letters A-Z and digits 0-9 alone; everything else is dropped."""
    return re.sub("[^A-Z0-9]", "", text.upper())


def classify(vrm: str) -> Style:
    """The first style that a normalised mark fits."""
    for style, pattern in PATTERNS.items():
        if pattern.fullmatch(vrm):
            return style
    return Style.FOREIGN_OR_UNKNOWN


def repair(raw: str) -> Repaired:
    """The mark that the raw text of an OCR stands for, at the least change, ties in the order of styles.

    Letters become digits and digits letters where the place forces it: O and 0, I and 1 always, and at
    most one of Z/2, S/5, B/8, G/6. The length never changes. What fits no style comes back normalised, as
    ``foreign_or_unknown``, unchanged.
    """
    text = normalise(raw)
    found = [candidate for shape in _shapes(len(text)) if (candidate := _fit(text, shape))]
    if not found:
        return Repaired(text, Style.FOREIGN_OR_UNKNOWN, False)
    _, _, vrm, style = min(found)
    return Repaired(vrm, style, vrm != text)


def display(vrm: str, style: Style) -> str:
    """The mark with its legal spacing: ``LK19 ABC``. Unchanged if it does not fit the style."""
    spaced = re.fullmatch(_SPACED.get(style, ""), vrm)
    return " ".join(spaced.groups()) if spaced else vrm


@cache
def _shapes(length: int) -> tuple[str, ...]:
    return tuple(sorted(shape for shape in _SHAPES if len(shape) == length))


def _fit(text: str, shape: str) -> tuple[int, int, str, Style] | None:
    """What the text becomes in a shape: (cost, rank of style, mark, style), or None."""
    vrm = "".join(map(_as, text, shape))
    changed = [old for old, new in zip(text, vrm, strict=True) if old != new]
    doubtful = sum(old in _DOUBTFUL for old in changed)
    if doubtful > MOST_LOOK_ALIKES:
        return None
    style = classify(vrm)
    if style is Style.FOREIGN_OR_UNKNOWN:
        return None
    return 10 * doubtful + len(changed), RANK[style], vrm, style


def _as(char: str, kind: str) -> str:
    """The character as a letter (A) or a digit (9), if it can be taken for one."""
    if kind == "9":
        return _TO_DIGIT.get(char, char)
    return _TO_LETTER.get(char, char)
