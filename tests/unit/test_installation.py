"""What an installation in containers is handed: to each part its own, whole or not at all."""

import pytest

from ringfence import access, certs, installation, keys
from ringfence.errors import FileError
from ringfence.installation import LOAD, PROPERTIES, hand_out, prepare
from schemas.topics import User


@pytest.fixture
def folder(tmp_path):
    prepare(tmp_path, "kafka,kafka-2")
    return tmp_path


def files(place):
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


def passwords(place):
    return {path.name.removesuffix(access.SUFFIX) for path in place.rglob(f"*{access.SUFFIX}")}


def test_each_part_has_its_own_password_and_the_load_test_those_of_the_users_that_it_acts_as(folder):
    for user in User:
        assert passwords(folder / "homes" / user) == {user}
    home = folder / "homes" / LOAD
    assert passwords(home) == {User.CAMERAS, User.POLICE, User.OVERSIGHT}
    assert len(files(home)) == 4, "and the CA's certificate"


def test_private_keys_are_with_the_offices_alone(folder):
    having = {path.relative_to(folder).parts[1] for path in (folder / "homes").glob(f"*/{keys.FOLDER}/*")
              if not path.name.endswith(keys.PUBLIC)}  # fmt: skip
    assert having == {User.GOVERNANCE}
    assert not list((folder / "homes").rglob(certs.CA_KEY))
    assert not list((folder / "brokers").rglob(certs.CA_KEY))


def test_what_is_handed_out_is_as_private_as_it_was(folder):
    secrets = [*(folder / "homes").rglob(f"*{access.SUFFIX}"), *folder.rglob(certs.BROKER), *folder.rglob(PROPERTIES)]
    assert len(secrets) >= len(User) + 3 + 2
    assert {path.stat().st_mode & 0o777 for path in secrets} == {0o600}


def test_again_it_changes_nothing_and_leaves_nothing_behind(folder):
    before = {name: (folder / name).read_bytes() for name in files(folder)}
    half = folder / "homes" / "police" / access.FOLDER / f".police{access.SUFFIX}.new"
    half.write_text("hal")  # an earlier preparation ended here
    prepare(folder, "kafka,kafka-2")
    assert {name: (folder / name).read_bytes() for name in files(folder)} == before


def test_a_copy_that_fails_leaves_the_old_file_whole(folder, monkeypatch):
    home = folder / "homes" / "police"
    kept = (home / access.FOLDER / f"police{access.SUFFIX}").read_text()

    def half(source, target):
        target.write_text("hal")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(installation.shutil, "copy2", half)
    with pytest.raises(FileError, match="No space left"):
        prepare(folder, "kafka,kafka-2")
    assert (home / access.FOLDER / f"police{access.SUFFIX}").read_text() == kept


def test_a_file_that_is_missing_is_said(folder):
    with pytest.raises(FileError, match="is its volume mounted, and ours"):
        hand_out(folder / "master", folder / "homes" / "police", ["secrets/nobody.password"])
