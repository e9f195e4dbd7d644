"""Random marks to train and to test on: every UK style by its grammar, the commonest of Europe, and what fits none."""

import numpy as np
from msgspec import Struct

from ringfence.vrm import Style, classify, display

LETTERS, LAST = "ABCDEFGHJKLMNOPRSTUVWXY", "ABCDEFGHJKLMNOPRSTUVWXYZ"
YEARS, DIGITS = "ABCDEFGHJKLMNPRSTVWXY", "0123456789"
ANY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SURE = "23456789ABCDEFGHJKLMNPRSTUVWXYZ"  # in a text without any form, nothing tells O from 0 and I from 1
# A: a letter, Z: one of the last three, Y: of a year, 9: a digit, N: a digit but 0, *: any letter,
# #: any character; a space parts groups.
KINDS = {"A": LETTERS, "Z": LAST, "Y": YEARS, "*": ANY, "9": DIGITS, "N": DIGITS[1:], "#": SURE}
UK: dict[Style, tuple[float, tuple[str, ...]]] = {
    Style.CURRENT: (0.55, ("AA99 ZZZ",)),
    Style.PREFIX: (0.13, ("YN AAA", "YN9 AAA", "YN99 AAA", "YN99 AAA")),
    Style.SUFFIX: (0.09, ("AAA NY", "AAA N9Y", "AAA N99Y", "AAA N99Y")),
    Style.DATELESS: (
        0.11,
        ("AAA N99", "AAA N9", "N99 AAA", "N9 AAA", "N999 AA", "N999 A", "AA N999", "AA N99", "AA N9", "A N999", "A N9",
         "N AAA", "N99 AA", "N9 A", "AA N"),
    ),
    Style.NORTHERN_IRELAND: (0.08, ("A[I]Z N999", "A[I]Z N99", "AA[Z] N999", "A[I]Z N9", "N999 A[I]Z", "N99 AA[Z]")),
    Style.Q: (0.02, ("[Q]N99 AAA", "[Q]N9 AAA")),
    Style.DIPLOMATIC: (0.02, ("N99 [D] N99", "N99 [X] N99")),
}  # fmt: skip
# France and Italy, Germany, the Netherlands, Spain, Poland, Ireland, Belgium, the Nordics, the rest.
EUROPE = (
    "** 999 **", "** 999 **", "* ** N999", "** ** N99", "*** ** N9", "* * N999", "** * N99", "99 ** **", "** 99 9*",
    "9 *** 99", "** 999 *", "99 *** 9", "9999 ***", "9999 ***", "** N9999", "*** 9999", "** 9999*", "99 [D] N999",
    "N99 [D] N999", "9 *** 999", "*** 999", "*** 99*", "** N9 999", "9*9 9999", "** 9999 **", "* 99 ***", "9*9 9999",
    "** ** N99", "** * N999", "*** ** 99", "* 9999 *", "** 999 **", "** 999999", "*** N99 *", "999 *** 99",
    "9999 ** 99",
)  # fmt: skip
STRANGE = ("##", "###", "####", "#####", "######", "#######", "########")


class Mark(Struct, frozen=True):
    """A mark: its text, the style whose grammar made it, and how it falls into groups."""

    text: str
    style: Style
    groups: tuple[str, ...]


def mark(rng: np.random.Generator) -> Mark:
    """A random mark, with a bias to what is rare on the road."""
    chance = rng.random()
    if chance < 0.24:
        return _foreign(EUROPE, rng)
    if chance < 0.27:
        return _foreign(STRANGE, rng)
    styles = list(UK)
    while True:
        style = styles[int(rng.choice(len(styles), p=[UK[s][0] for s in styles]))]
        groups = _written(UK[style][1], rng)
        text = "".join(groups)
        if classify(text) is style:  # the pattern alone would give age identifiers that there are not, and so on
            return Mark(text, style, tuple(display(text, style).split()))


def _foreign(forms: tuple[str, ...], rng: np.random.Generator) -> Mark:
    """A mark that fits no UK style."""
    while True:
        groups = _written(forms, rng)
        text = "".join(groups)
        if classify(text) is Style.FOREIGN_OR_UNKNOWN:
            return Mark(text, Style.FOREIGN_OR_UNKNOWN, groups)


def _written(forms: tuple[str, ...], rng: np.random.Generator) -> tuple[str, ...]:
    form = forms[int(rng.integers(len(forms)))]
    text, fixed = "", False
    for kind in form:
        if kind in "[]":
            fixed = kind == "["
        elif fixed or kind == " ":
            text += kind
        else:
            text += KINDS[kind][int(rng.integers(len(KINDS[kind])))]
    return tuple(text.split())
