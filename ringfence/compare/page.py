"""The report as one HTML page. Pure."""

import base64
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from ringfence.compare.report import HEADLINES, RECEIVED, SHARES, SHOWN, said, said_more

Say = Callable[[Mapping[str, Any]], str]


def page(found: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """The report as one HTML page that needs nothing else. ``pictures``: PNG by title."""
    scene, regimes = found["scene"], found["regimes"]
    drawn = {title: _picture(title, data) for title, data in pictures.items()}
    charts = "".join(drawn[title] for title in drawn if not title.startswith("Map: "))
    maps = "".join(drawn[title] for title in drawn if title.startswith("Map: "))
    body = [
        f"<h1>One simulated day in London, {escape(scene['day'])}, under {len(regimes)} regimes</h1>",
        f'<p class="first">{escape(found["assumptions"][0])}</p>',
        f"<p>{escape(found['assumptions'][1])} {escape(found['range'])}</p>",
        charts,
        "<h2>What the police would get</h2>",
        _table(regimes, RECEIVED),
        "<h2>What it shows of people</h2>",
        _table(regimes, SHOWN),
        f"<h2>How much more than under {escape(found['baseline'])}, on the same days</h2>",
        _table(regimes, RECEIVED, "against_baseline", said_more),
        _table(regimes, SHOWN, "against_baseline", said_more),
        "<h2>Reads and images</h2>",
        _table(regimes, {name: name.capitalize() for name in _plain_names(regimes)}),
        "<h2>Why reads were denied</h2>",
        _table(regimes, _prefixed(regimes, "denied: ")),
        "<h2>In which form they were disclosed</h2>",
        _table(regimes, _prefixed(regimes, "disclosed as ")),
        "<h2>Vehicles of the sample singled out by so many random points</h2>",
        _table(regimes, {f"unicity at {k}": str(k) for k in range(1, 7)}),
        "<h2>Cameras that give text, by the scheme they were put up for</h2>",
        _cameras(regimes),
        "<h2>What the police could have from where</h2>",
        f'<div class="maps">{maps}</div>',
        "<h2>What was assumed</h2>",
        "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in found["assumptions"]) + "</ul>",
        f"<p>Seeds {', '.join(map(str, scene['seeds']))}. Bundle {scene['bundle'][:16]}, register of cameras"
        f" {scene['estate'][:16]}. The same figures are in report.json.</p>",
    ]
    return _HEAD + "\n".join(body) + "\n</main></body></html>\n"


def _plain_names(regimes: Sequence[Mapping[str, Any]]) -> list[str]:
    names = dict.fromkeys(name for regime in regimes for name in regime["figures"])
    return [n for n in names if n not in HEADLINES and not n.startswith(("denied: ", "disclosed as ", *SHARES))]


def _prefixed(regimes: Sequence[Mapping[str, Any]], prefix: str) -> dict[str, str]:
    names = sorted({n for regime in regimes for n in regime["figures"] if n.startswith(prefix)})
    return {name: name.removeprefix(prefix).replace("_", " ") for name in names}


def _table(
    regimes: Sequence[Mapping[str, Any]], names: Mapping[str, str], part: str = "figures", say: Say = said
) -> str:
    head = "".join(f"<th>{escape(shown)}</th>" for shown in names.values())
    lines = []
    for regime in regimes:
        cells = "".join(
            f'<td data-is="{escape(shown)}">{escape(say(regime[part].get(name, _NONE)))}</td>'
            for name, shown in names.items()
        )
        lines.append(f"<tr><th>{escape(regime['label'])}</th>{cells}</tr>")
    return f"<table><thead><tr><th>Regime</th>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _cameras(regimes: Sequence[Mapping[str, Any]]) -> str:
    zones = list(regimes[0]["cameras_open"]) if regimes else []
    head = "".join(f"<th>{escape(zone)}</th>" for zone in zones)
    lines = "".join(
        f"<tr><th>{escape(regime['label'])}</th>"
        + "".join(f'<td data-is="{escape(zone)}">{regime["cameras_open"][zone]:,}</td>' for zone in zones)
        + "</tr>"
        for regime in regimes
    )
    return f"<table><thead><tr><th>Regime</th>{head}</tr></thead><tbody>{lines}</tbody></table>"


def _picture(title: str, data: bytes) -> str:
    source = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    return f'<figure><img src="{source}" alt="{escape(title)}"><figcaption>{escape(title)}</figcaption></figure>'


_NONE = {"mean": 0.0, "london": 0}
_HEAD = """<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ringfence: one day under several regimes (simulation)</title>
<style>
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 0; }
main { max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.2rem; margin-top: 2rem; }
.first { border-left: .3rem solid #D55E00; padding-left: .8rem; font-weight: 600; }
figure { margin: 1rem 0; } img { max-width: 100%; height: auto; } figcaption { font-size: .85rem; color: #555; }
.maps { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; }
table { border-collapse: collapse; width: 100%; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .35rem .5rem; border-bottom: 1px solid #ddd; }
tbody th { white-space: nowrap; }
@media (max-width: 48rem) {
  thead { display: none; } tr, tbody th, td { display: block; } tbody th { padding-top: 1rem; font-size: 1rem; }
  td { border: 0; padding: .1rem .5rem; } td::before { content: attr(data-is) ": "; color: #555; }
}
@media print {
  main { max-width: none; } table { font-size: .65rem; } tr, figure { break-inside: avoid; }
  .maps { grid-template-columns: 1fr 1fr; }
}
</style></head><body><main>
"""
