"""Small secrets in files: made whole, mode 600, in a folder of mode 700."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from ringfence.errors import FileError

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def keep(file: Path, text: str) -> None:
    """Writes a private file whole, or leaves the one that another process was quicker to write. Or FileError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.parent.chmod(stat.S_IRWXU)
        descriptor, made = tempfile.mkstemp(dir=file.parent)  # mode 600
        try:
            with os.fdopen(descriptor, "w") as new:
                new.write(text)
            with suppress(FileExistsError):
                os.link(made, file)
        finally:
            os.unlink(made)
    except OSError as error:
        raise FileError(f"cannot keep a secret in {file}: {error.strerror}; set RINGFENCE_HOME") from None


def read(file: Path, hint: str) -> str:
    """What is in a private file. FileError, with the hint, if it is not there, or others may read it."""
    try:
        mode, text = file.stat().st_mode, file.read_text().strip()
    except OSError as error:
        raise FileError(f"nothing in {file} ({error.strerror}): {hint}") from None
    if mode & OTHERS:
        raise FileError(f"{file} can be read by others: chmod 600 it")
    return text
