"""``ringfence bundle``: builds, signs, verifies and shows policy bundles."""

from pathlib import Path
from typing import Annotated

import typer

from ringfence import entry, keys, options, terminal
from ringfence.errors import FileError, PolicyError
from ringfence.policy.authority import DRAFTER, Office, signers
from ringfence.policy.bundle import parse, read_files
from ringfence.policy.cases import check
from ringfence.policy.sealed import enact, pack, sign, unseal
from ringfence.policy.sealed import verify as verify_sealed
from ringfence.settings import load as load_settings
from schemas.codec import codec
from schemas.records import SealedBundle

File = Annotated[Path, typer.Argument(help="The file of a sealed bundle.")]

bundle = entry.application(help="Policy bundles: everything that decides, in one signed file.")


@bundle.command("build")
def build(
    number: Annotated[int, typer.Option(min=1, help="Its number, higher than that of the bundle in force.")],
    folder: options.Policies = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("out/policies.bundle"),
) -> None:
    """Build an unsigned bundle of a policies folder, if its rules compile and its cases hold."""
    files = read_files(load_settings(policies=folder).policies)
    sealed, parsed = pack(number, files), parse(files)
    check(parsed)
    _write(out, sealed)
    typer.echo(
        f"{out}: bundle {number}, {len(files)} files, {len(parsed.regimes)} regimes, {len(parsed.cases)} cases hold;"
        f" digest {parsed.digest.hex()[:12]}; not signed"
    )


@bundle.command("sign")
def sign_file(
    file: File,
    office: Annotated[Office, typer.Option(help="The office; its private key must be here.")] = DRAFTER,
    home: options.Home = None,
) -> None:
    """Sign a bundle in its file, with the key of the office that prepares bundles."""
    signer = keys.signer(load_settings(home=home).home, office)
    _write(file, sign(unseal(read(file)), signer))
    typer.echo(f"{file}: signed by the {office.value}, key {signer.public}")


@bundle.command("verify")
def verify(
    file: File,
    after: Annotated[int, typer.Option(min=0, help="Number of the bundle in force; this one must be newer.")] = 0,
    home: options.Home = None,
) -> None:
    """Verify a bundle as the gate does: signature, list of files, number, then rules and cases."""
    trusted = signers(keys.trust(load_settings(home=home).home))
    data = read(file)
    verify_sealed(unseal(data), trusted, after)
    one = enact(data, trusted)
    typer.echo(
        f"{file}: bundle {one.number} is genuine; {len(one.bundle.regimes)} regimes compile and"
        f" {len(one.bundle.cases)} cases hold; digest {one.bundle.digest.hex()[:12]}"
    )


@bundle.command("show")
def show(file: File, home: options.Home = None) -> None:
    """Show what a bundle holds, and whether it is to be believed."""
    sealed = unseal(read(file))
    try:
        verify_sealed(sealed, signers(keys.trust(load_settings(home=home).home)))
        believed = "[green]genuine[/green]"
    except PolicyError as error:
        believed = f"[red]not to be used[/red]: {error}"
    console = terminal.console()
    console.print(f"bundle {sealed.number}, key {sealed.signer or 'none'}: {believed}", soft_wrap=True)
    table = terminal.table("file", "SHA-256", "bytes")
    for listed in sealed.files:
        table.add_row(listed.path, listed.sha256.hex()[:16], f"{len(sealed.contents.get(listed.path, b'')):,}")
    console.print(table)


def read(file: Path) -> bytes:
    """The bytes of a bundle's file. FileError."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise FileError(f"cannot read {file}: {error.strerror}") from None


def made_of(folder: Path, number: int, home: Path) -> bytes:
    """The bundle of a policies folder, signed with the drafter's key, which must be here."""
    return codec(SealedBundle).encode(sign(pack(number, read_files(folder)), keys.signer(home, DRAFTER)))


def _write(file: Path, sealed: SealedBundle) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(codec(SealedBundle).encode(sealed))
    except OSError as error:
        raise FileError(f"cannot write {file}: {error.strerror}") from None
