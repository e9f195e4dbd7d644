"""What a folder of shards was made with, so that no two worlds are mixed in one; and files written whole or not."""

import json
import os
from pathlib import Path

STAMP = "made-with.json"


def stamped(out: Path, **given: object) -> None:
    """Notes the arguments in a new folder. SystemExit, with one line, if it was made with others, or nobody knows."""
    path = out / STAMP
    if not path.exists():
        if any(out.glob("*.npz")):
            raise SystemExit(f"{out} does not say what its shards were made with: empty it, or name another folder")
        write_whole(path, json.dumps(given).encode())
        return
    before = json.loads(path.read_text())
    if before != given:
        raise SystemExit(f"{out} was made with {before}, not {given}: empty it, or name another folder")


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file aside and puts it in its place, so that whoever is interrupted leaves the old or the new one."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    os.replace(part, path)
