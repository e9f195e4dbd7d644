"""The parts of a JPEG that make up its picture, and no others. Pure.

A JPEG may carry text besides its picture: EXIF, comments, whatever follows its end. None of it may travel on.
Source: ITU-T T.81, annex B.
"""

TEM, SOI, EOI, SOS = 0x01, 0xD8, 0xD9, 0xDA
START = bytes([0xFF, SOI])
# Quantisation and Huffman tables, frame headers, restart interval, number of lines: what a decoder needs.
NEEDED = frozenset({0xC4, 0xDB, 0xDC, 0xDD} | set(range(0xC0, 0xD0)) - {0xC8, 0xCC})


def stripped(jpeg: bytes) -> bytes:
    """The same picture, to the bit, without comments, metadata and trailing bytes. ValueError if it is no JPEG."""
    if jpeg[:2] != START:
        raise ValueError("no JPEG")
    kept, at = [START], 2
    while True:
        while jpeg[at : at + 2] == b"\xff\xff":  # fill bytes may stand before a marker
            at += 1
        if at + 2 > len(jpeg) or jpeg[at] != 0xFF:
            raise ValueError("a JPEG segment does not begin where it should")
        kind = jpeg[at + 1]
        if kind == EOI:
            return b"".join([*kept, bytes([0xFF, EOI])])
        if kind == TEM:  # stands alone, without a length
            at += 2
            continue
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        if kind == SOS:
            end = _scan_end(jpeg, end)
        if kind == SOS or kind in NEEDED:
            kept.append(jpeg[at:end])
        at = max(end, at + 2)


def _scan_end(jpeg: bytes, at: int) -> int:
    """Where the coded data from ``at`` on end: at the next marker but restarts, and no stuffed byte."""
    while True:
        at = jpeg.find(b"\xff", at)
        if at < 0 or at + 1 >= len(jpeg):
            raise ValueError("the JPEG ends within its data")
        if jpeg[at + 1] != 0 and not 0xD0 <= jpeg[at + 1] <= 0xD7 and jpeg[at + 1] != 0xFF:
            return at
        at += 1 if jpeg[at + 1] == 0xFF else 2
