"""The map of zones and cameras, coloured by what the police could have; and how a picture is drawn and kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no window: there may be no screen

import matplotlib.pyplot as plt

from ringfence.estate import Estate
from schemas.records import Outcome

# Okabe and Ito's palette: told apart by colour-blind readers too.
BLUE, GREEN, ORANGE, GREY = "#0072B2", "#009E73", "#D55E00", "#777777"
TEXT_AND_IMAGE, TEXT_ONLY = "text and image", "text only"


def camera_map(
    estate: Estate,
    zones: Mapping[str, Any],
    answers: Mapping[int, tuple[Outcome, Outcome]],
    title: str,
    path: Path,
) -> None:
    """Zones and cameras as a PNG, coloured by what the police could have from each: ``answers`` holds the
    outcome for the read and for the image, by camera id; ``zones`` is GeoJSON."""
    figure, axis = plt.subplots(figsize=(11, 8.5))
    for feature in zones["features"]:
        for ring in _rings(feature["geometry"]):
            axis.plot(*zip(*ring, strict=True), color="black", linewidth=0.8, alpha=0.6)
    groups: dict[str, list[int]] = {}
    for camera, (read, image) in answers.items():
        groups.setdefault(_verdict(read, image), []).append(camera)
    for verdict, cameras in sorted(groups.items()):
        points = [(estate.cameras[c].lon, estate.cameras[c].lat) for c in cameras]
        lon, lat = zip(*points, strict=True)
        axis.scatter(lon, lat, s=12, color=_colour(verdict), marker=_marker(verdict),
                     label=f"{verdict} ({len(cameras):,} cameras)")  # fmt: skip
    axis.set_aspect(1.6)  # a degree of latitude is 1.6 degrees of longitude wide here
    axis.set_axis_off()
    axis.legend(loc="lower left", fontsize=9, frameon=False)
    source = "Simulated camera positions; simplified zone outlines (TfL Open Data, OS data © Crown copyright)"
    axis.set_title(f"What the police could have: {title}\n{source}", fontsize=10)
    save(figure, path)


def _rings(geometry: Mapping[str, Any]) -> list[list[tuple[float, float]]]:
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    return [[(x, y) for x, y, *_ in polygon[0]] for polygon in polygons]


def _verdict(read: Outcome, image: Outcome) -> str:
    if not read.form:
        return f"nothing: {read.reason.replace('_', ' ')}"
    return TEXT_AND_IMAGE if image.form else TEXT_ONLY


def _colour(verdict: str) -> str:
    fixed = {TEXT_AND_IMAGE: ORANGE, TEXT_ONLY: BLUE}
    return fixed.get(verdict, GREY)


def _marker(verdict: str) -> str:
    return "o" if verdict in (TEXT_AND_IMAGE, TEXT_ONLY) else "x" if "activated" in verdict else "+"


def save(figure: Any, path: Path) -> None:
    """Writes a figure as a PNG that is the same for the same figure."""
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
