"""What a plate says, from the chances of every character in every slot and the grammar of UK marks. Pure, exact.

Every form of ``ringfence.vrm.FORMS`` names, slot by slot, the characters that may stand there. The likeliest mark of a
form takes the likeliest of them in each slot, and the likeliest mark of all is that of the best form: nothing is
searched for. 0 and O are one glyph, and so are 1 and I: their chances are added, and the place decides between them,
but where another country puts a digit there: AB12 OCD is also AB-120-CD, of France, Italy or Slovakia, and A12 OCD is
A-120-CD, of the Netherlands. Only the spacing tells these apart, and the reader, who has seen it, is heard.

The probability of a mark is its share of everything that the plate may say: all marks of the grammar, no plate at all,
and all other texts, which weigh less, because the reader was trained on more of them than there are on the road. A
calibration, fitted to plates whose text is known, then makes of that share how often such a reading is right.
"""

import re
from math import exp, log, prod

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from consumers.ocr.calibration import Calibration
from consumers.ocr.chances import ALPHABET, FLOOR, PAD, SLOTS, TWINS, Chances
from ringfence.vrm import FORMS, Style

# So many times likelier than the text that was read must a mark be for which another character is taken.
LEAST_GAIN = 2.0
RIVAL = re.compile(r"([A-Z]{1,2}\d\d)O([A-Z]{2})", re.ASCII)  # UK marks that may be foreign ones with a 0
SAME = {"O": "0", "0": "O", "I": "1", "1": "I"}
EQUAL = 1e-3  # scores this near to each other are of the same glyphs
OWN = 1e-6  # of twins that both fit, the one that the reader itself thinks likelier

Numbers = NDArray[np.float64]
Places = NDArray[np.intp]


class Reading(Struct, frozen=True, gc=False):
    """What is on a plate; all empty and 0 if there is nothing.

    ``vrm``: the mark, normalised. ``raw``: the likeliest text, whatever the grammar says. ``confidence``: 0 to 1, the
    probability that the whole mark is right. ``repaired``: the mark is not the raw text.
    """

    vrm: str
    raw: str
    style: Style
    confidence: float
    repaired: bool


NOTHING = Reading("", "", Style.FOREIGN_OR_UNKNOWN, 0.0, False)


class _Table(Struct, frozen=True):
    """The grammar for so many slots: G sets of characters, and P forms that name a set for every slot.

    Characters that are in the same sets are one *atom*: a set is looked through atom by atom.
    """

    order: Places  # the characters, atom by atom
    starts: Places  # where each atom begins in that order
    outside: Numbers  # atoms by G: 0 in the set, minus infinity outside
    members: Numbers  # G by characters: 1 in the set
    forms: Places  # P by slots: where in a flat slots-by-G array the set of that slot is
    members_of: NDArray[np.bool_]  # P by slots by characters: what may stand there
    lengths: list[int]  # of the marks of each form
    styles: list[Style]


def _table(slots: int) -> _Table:
    named = [(style, form) for style, forms in FORMS.items() for form in forms]
    spelt = [(*form, *("_",) * (slots - len(form))) for _, form in named]
    distinct = sorted({characters for form in spelt for characters in form})
    sets = np.array([[c in characters for c in ALPHABET] for characters in distinct])
    atoms, atom_of = np.unique(sets.T, axis=0, return_inverse=True)
    index = np.array([[distinct.index(characters) for characters in form] for form in spelt])
    return _Table(
        order=np.argsort(atom_of, kind="stable"),
        starts=np.searchsorted(np.sort(atom_of), np.arange(len(atoms))),
        outside=np.where(atoms, 0.0, -np.inf),
        members=sets.astype(np.float64),
        forms=index + np.arange(slots) * len(distinct),
        members_of=sets[index],
        lengths=[len(form) for _, form in named],
        styles=[style for style, _ in named],
    )


class _Views(Struct, frozen=True):
    """What is thought of N plates, each first axis N. Scores are logarithms."""

    form: Places
    mark: Numbers  # score of the best mark of the grammar
    characters: Places  # N by slots: that mark
    length: Places
    text: Numbers  # score of the likeliest text
    spelling: Places  # N by slots: the likeliest character that is no pad
    uk: Numbers  # chance that it is any mark of the grammar
    empty: Numbers  # chance that it is nothing


class Grammar:
    """Decides what plates say. Made once: it holds the calibration, and the table of forms."""

    def __init__(self, calibration: Calibration = Calibration(), slots: int = SLOTS) -> None:  # noqa: B008 - frozen
        self.calibration, self.table = calibration, _table(slots)

    def decode(self, chances: Chances) -> Reading:
        """The reading of one plate, from its slots by 37 chances."""
        return self.decode_all(chances[None])[0]

    def decode_all(self, chances: Chances) -> list[Reading]:
        """The readings of N plates, from N by slots by 37 chances, each slot adding up to 1."""
        if not len(chances):
            return []
        views = self._views(np.asarray(chances, np.float64))
        columns = zip(
            views.form.tolist(), views.mark.tolist(), views.length.tolist(), views.text.tolist(),
            views.uk.tolist(), views.empty.tolist(), views.characters.tolist(), views.spelling.tolist(), chances,
            strict=True,
        )  # fmt: skip
        return [self._reading(*column) for column in columns]

    def _views(self, given: Numbers) -> _Views:
        table, number = self.table, len(given)
        own = np.maximum(given, FLOOR)
        if self.calibration.temperature != 1:
            own **= 1 / self.calibration.temperature
        own /= own.sum(-1, keepdims=True)
        pooled = own.copy()
        for one, other in TWINS:
            pooled[:, :, one] += own[:, :, other]
            pooled[:, :, other] = pooled[:, :, one]
        scores = np.log(pooled) + OWN * np.log(own)
        # The grammar: the best character of each set in each slot, then the best form.
        atoms = np.maximum.reduceat(scores[:, :, table.order], table.starts, -1)
        best = (atoms[:, :, :, None] + table.outside).max(-2).reshape(number, -1)
        marks = best[:, table.forms].sum(-1)
        form = marks.argmax(-1)
        characters = np.where(table.members_of[form], scores, -np.inf).argmax(-1)
        shares = (pooled @ table.members.T).reshape(number, -1)
        uk = shares[:, table.forms].prod(-1).sum(-1)
        # Any text: so many characters, and from there on pads.
        spelling = scores[:, :, :PAD].argmax(-1)
        written = np.take_along_axis(scores, spelling[..., None], -1)[..., 0]
        pads = scores[:, :, PAD]
        texts = np.zeros((number, given.shape[1] + 1))
        texts[:, 1:] = written.cumsum(-1)
        texts[:, :-1] += pads[:, ::-1].cumsum(-1)[:, ::-1]
        length = texts.argmax(-1)
        every = np.arange(number)
        return _Views(
            form, marks[every, form], characters, length, texts[every, length], spelling, uk, np.exp(texts[:, 0])
        )

    def _reading(
        self, form: int, mark: float, length: int, text: float, uk: float, empty: float, characters: list[int],
        spelling: list[int], chances: Chances,
    ) -> Reading:  # fmt: skip
        """Weighs the best mark of the grammar against the likeliest text."""
        raw = "".join([ALPHABET[c] for c in spelling[:length]])
        odds = self.calibration.odds
        if not raw and mark <= text:
            return NOTHING
        if not raw or mark > text - EQUAL or mark + log(odds) >= text + log(LEAST_GAIN):
            vrm = "".join([ALPHABET[c] for c in characters[: self.table.lengths[form]]])
            style, weight = self.table.styles[form], odds * exp(mark)
        else:
            vrm, style = raw, Style.FOREIGN_OR_UNKNOWN
            # No grammar says whether a round glyph is an O here: what the reader thinks is all there is.
            twins = [(slot, char) for slot, char in zip(chances, raw, strict=False) if char in SAME]
            weight = exp(text) * prod(self._own_share(slot, char) for slot, char in twins)
        # All marks of the grammar weigh ``odds``, and so does no plate at all; all else weighs 1.
        every = 1 + (odds - 1) * min(1.0, uk + empty)
        if style is not Style.FOREIGN_OR_UNKNOWN and (rival := RIVAL.fullmatch(vrm)):
            mine = self._own_share(chances[rival.end(1)], "O")
            other = (1 - mine) * weight / odds
            every += mine * weight + other - weight
            weight *= mine
            if other > weight:
                vrm, style, weight = f"{rival[1]}0{rival[2]}", Style.FOREIGN_OR_UNKNOWN, other
        all_else = max(every - weight, FLOOR)
        foreign, repaired = style is Style.FOREIGN_OR_UNKNOWN, vrm != raw
        confidence = self.calibration.probability(weight / all_else, foreign, repaired)
        return Reading(vrm, raw, style, confidence, repaired)

    def _own_share(self, slot: NDArray[np.float32], char: str) -> float:
        """How far the reader holds a glyph for this character and not for its twin, tempered."""
        mine, other = (max(float(slot[ALPHABET.index(c)]), FLOOR) ** self.calibration.twins for c in (char, SAME[char]))
        return float(mine / (mine + other))
