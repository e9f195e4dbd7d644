"""``ringfence read``: what is read in pictures of your own, with no Kafka. It prints, and draws on a copy."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import Struct
from rich.text import Text

from ringfence import options
from ringfence.entry import main
from ringfence.errors import FileError
from ringfence.headers import ENDINGS
from ringfence.settings import load
from ringfence.terminal import console, table

if TYPE_CHECKING:
    from consumers.ocr.sight import Sight, Sighting

NO_PICTURE = 1  # exit code
COPY = ".read.jpg"  # how the name of a copy ends


class Result(Struct, frozen=True):
    """What came of one file: the plates in it and where the copy lies, or why it is no picture.

    ``smaller``: how many times smaller than the file the picture was in which the plates were seen.
    """

    path: Path
    plates: "list[Sighting]" = []
    smaller: int = 1
    copy: Path | None = None
    error: str | None = None


def read(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder for the copies with what was read drawn on them.")] = Path(
        "out/read"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with the corners of every plate.")] = False,
    wrong_cost: options.WrongCost = None,
    model: options.Model = None,
) -> None:
    """Read plates from your own pictures, and draw what was read on a copy. Exit code 1 if one is no picture."""
    settings = load(wrong_cost=wrong_cost, model=model)
    paths = files(pictures)
    # OpenCV and ONNX Runtime take a second to import; `ringfence --help` need not wait for them.
    import cv2

    from consumers.ocr.eyes import finder_of, sight_of
    from consumers.ocr.finder import STILL_WIDTHS
    from consumers.ocr.look import WithWhole

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what is no picture is said by us
    _ready(out)
    finder = WithWhole(finder_of(settings, STILL_WIDTHS))
    sight, copies = sight_of(settings, finder), _names(paths, out)
    results = [_result(path, copy, sight, settings.least_confidence) for path, copy in zip(paths, copies, strict=True)]
    if as_json:
        print(json.dumps([_as_json(result, settings.least_confidence) for result in results], indent=2))
    else:
        _show(results, settings.least_confidence)
    if any(result.error for result in results):
        raise typer.Exit(NO_PICTURE)


def _ready(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"--out {out} cannot be made: {error.strerror}") from None


def files(given: Sequence[Path]) -> list[Path]:
    """The files that were given, and those in the folders that were given. FileError for what is not there."""
    found = []
    for path in given:
        if not path.exists():
            raise FileError(f"{path} is not there: give pictures, or folders of pictures")
        inside = _pictures_in(path) if path.is_dir() else [path]
        if not inside:
            raise FileError(f"{path} holds no picture: {', '.join(sorted(ENDINGS))}")
        found += inside
    return found


def _pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder, but for the copies that an earlier run has drawn on."""
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in ENDINGS and not p.name.endswith(COPY))


def _names(paths: Sequence[Path], out: Path) -> Iterator[Path]:
    """Where the copy of each picture goes; two pictures of one name have two copies."""
    taken: set[Path] = set()
    for path in paths:
        names = (f"{path.stem}{'' if number == 1 else f'-{number}'}{COPY}" for number in range(1, len(paths) + 1))
        copy = next(out / name for name in names if out / name not in taken)
        taken.add(copy)
        yield copy


def _result(path: Path, copy: Path, sight: "Sight", least: float) -> Result:
    import cv2

    from consumers.ocr.look import look
    from consumers.ocr.pictures import FrameUnreadableError, opened
    from consumers.ocr.sketch import sketch

    try:
        photograph = opened(path)
    except FrameUnreadableError as error:
        return Result(path, error=str(error))
    plates = look(sight, photograph.gray)
    coded = cv2.imencode(".jpg", sketch(photograph.colours, plates, least))[1]
    try:
        copy.write_bytes(coded.tobytes())
    except OSError as error:
        raise FileError(f"--out {copy.parent} cannot be written to: {error.strerror}") from None
    return Result(path, plates, photograph.smaller, copy)


def _as_json(result: Result, least: float) -> dict[str, Any]:
    return {
        "picture": _printable(str(result.path)),
        "error": result.error,
        "copy": _printable(str(result.copy)) if result.copy else None,
        "plates": [
            {
                "vrm": plate.reading.vrm,
                "style": str(plate.reading.style),
                "confidence": round(float(plate.reading.confidence), 4),
                "at_gate": bool(plate.reading.confidence >= least),
                "raw": plate.reading.raw,
                "repaired": plate.reading.repaired,
                "corners": _corners(plate, result.smaller),
            }
            for plate in result.plates
        ],
    }


def _corners(plate: "Sighting", smaller: int) -> list[list[float]]:
    """In pixels of the file, upright, clockwise from the upper left."""
    return [[round(float(xy) * smaller, 1) for xy in point] for point in plate.corners]


def _show(results: Sequence[Result], least: float) -> None:
    shown, rows = table("picture", "mark", "style", "confidence", f"gate {least:.1%}", "raw", "corners"), 0
    for result in results:
        if result.error:
            print(f"{_printable(result.path.name)} is no picture that can be read: {result.error}", file=sys.stderr)
        elif not result.plates:
            shown.add_row(Text(_printable(result.path.name)), "no plate")
        for plate in result.plates:
            shown.add_row(*map(Text, (_printable(result.path.name), *_cells(plate, least, result.smaller))))
        rows += result.error is None
    if rows:
        console().print(shown)
        (folder,) = {result.copy.parent for result in results if result.copy}
        console().print(Text(f"Drawn on {'a copy' if rows == 1 else f'{rows} copies'} in {folder}"))


def _printable(name: str) -> str:
    """As it can be printed, whatever bytes the name of the file is made of."""
    return name.encode("utf-8", "replace").decode()


def _cells(plate: "Sighting", least: float, smaller: int) -> Iterator[str]:
    reading = plate.reading
    yield reading.vrm
    yield str(reading.style).replace("_", " ")
    yield f"{int(reading.confidence * 100)} %"
    yield "read" if reading.confidence >= least else "below"
    yield reading.raw
    yield " ".join(f"{round(x)},{round(y)}" for x, y in _corners(plate, smaller))


if __name__ == "__main__":
    main(read)
