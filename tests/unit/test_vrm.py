"""The grammar of UK marks."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.vrm import FORMS, PATTERNS, Style, classify, display, normalise, repair

MARKS = {
    "LK19ABC": Style.CURRENT,
    "AB51XYZ": Style.CURRENT,
    "A123BCD": Style.PREFIX,
    "Q12ABC": Style.Q,
    "ABC123D": Style.SUFFIX,
    "ABC1": Style.DATELESS,
    "1234AB": Style.DATELESS,
    "AIZ1234": Style.NORTHERN_IRELAND,
    "101D234": Style.DIPLOMATIC,
    "B7XY123Q": Style.FOREIGN_OR_UNKNOWN,
    "": Style.FOREIGN_OR_UNKNOWN,
}


@pytest.mark.parametrize(("mark", "style"), MARKS.items())
def test_each_style_is_known(mark, style):
    assert classify(mark) is style


@pytest.mark.parametrize("mark", ["LK00ABC", "LK01ABC", "LK50ABC", "LI19ABC", "LK19QBC", "A012BCD", "lk19abc"])
def test_what_the_rules_forbid_is_not_current_or_prefix(mark):
    assert classify(mark) not in (Style.CURRENT, Style.PREFIX)


@pytest.mark.parametrize(
    ("raw", "vrm", "changed"),
    [
        ("LK19ABC", "LK19ABC", False),
        ("lk19 abc", "LK19ABC", False),
        ("LKI9ABC", "LK19ABC", True),  # I for 1
        ("L0O9ABC", "LO09ABC", True),  # 0 for O, and O for 0
        ("LK1SABC", "LK15ABC", True),  # one look-alike
        ("LKISABC", "LK15ABC", True),  # a look-alike and a twin
        ("LKZSABC", "LKZSABC", False),  # two look-alikes: too much to invent
        ("WWWWWWWW", "WWWWWWWW", False),
    ],
)
def test_repair_changes_only_what_the_place_forces(raw, vrm, changed):
    found = repair(raw)
    assert (found.vrm, found.changed) == (vrm, changed)


valid = st.one_of(*(st.from_regex(pattern, fullmatch=True) for pattern in PATTERNS.values()))


@given(valid)
def test_a_valid_mark_is_never_changed(mark):
    found = repair(mark)
    assert (found.vrm, found.changed) == (mark, False)


@given(valid)
def test_display_adds_nothing_but_spaces(mark):
    assert normalise(display(mark, classify(mark))) == mark


@given(st.text(max_size=5_000))
def test_anything_is_taken_and_keeps_its_length(text):
    found = repair(text)
    assert len(found.vrm) == len(normalise(text))
    assert re.fullmatch("[A-Z0-9]*", found.vrm)
    assert repair(found.vrm).vrm == found.vrm


# As the rules are written down: letters but I, Q and Z, and so on.
WRITTEN = {
    Style.CURRENT: r"[A-HJ-PR-Y]{2}(?:0[2-9]|[1-4]\d|5[1-9]|[6-9]\d)[A-HJ-PR-Z]{3}",
    Style.PREFIX: r"[A-HJ-NPRSTV-Y][1-9]\d{0,2}[A-HJ-PR-Y]{3}",
    Style.Q: r"Q[1-9]\d{0,2}[A-HJ-PR-Y]{3}",
    Style.SUFFIX: r"[A-HJ-PR-Y]{3}[1-9]\d{0,2}[A-HJ-NPRSTV-Y]",
    Style.DATELESS: r"[1-9]\d{0,3}[A-HJ-PR-Y]{1,2}|[1-9]\d{0,2}[A-HJ-PR-Y]{3}"
    r"|[A-HJ-PR-Y]{1,2}[1-9]\d{0,3}|[A-HJ-PR-Y]{3}[1-9]\d{0,2}",
    Style.NORTHERN_IRELAND: r"[A-HJ-PR-Y](?:I[A-HJ-PR-Z]|[A-HJ-PR-Y]Z)[1-9]\d{0,3}"
    r"|[1-9]\d{0,3}[A-HJ-PR-Y](?:I[A-HJ-PR-Z]|[A-HJ-PR-Y]Z)",
    Style.DIPLOMATIC: r"[1-9]\d{2}[DX][1-9]\d{2}",
}


@pytest.mark.parametrize("style", WRITTEN)
@given(data=st.data())
def test_the_forms_are_the_rules_as_they_are_written(style, data):
    rule = re.compile(WRITTEN[style], re.ASCII)
    assert rule.fullmatch(data.draw(st.from_regex(PATTERNS[style], fullmatch=True)))
    assert PATTERNS[style].fullmatch(data.draw(st.from_regex(rule, fullmatch=True)))


@given(valid)
def test_no_mark_is_in_two_forms_of_its_style(mark):
    forms = FORMS[classify(mark)]
    fits = [form for form in forms if len(form) == len(mark) and all(map(str.__contains__, form, mark))]
    assert len(fits) == 1


def test_display_has_the_legal_space():
    assert display("LK19ABC", Style.CURRENT) == "LK19 ABC"
    assert display("101D234", Style.DIPLOMATIC) == "101 D 234"
    assert display("B7XY123Q", Style.FOREIGN_OR_UNKNOWN) == "B7XY123Q"
