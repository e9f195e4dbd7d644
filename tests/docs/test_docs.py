"""What the docs promise holds: tables, links, commands, names of files and settings."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import typer
from click import Group

from ringfence.cli import app
from ringfence.settings import PREFIX, ROOT, Settings
from schemas.topics import BY_NAME
from tests.docs.tables import BUNDLE, TABLES, regime_page, written

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "models/CARD.md"]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
COMMANDS = typer.main.get_command(app)
# Packages, and what a run makes.
NOT_OURS = ("out/", ".venv/", ".ringfence/")


def blocks(text):
    """The lines of every shell block."""
    return [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines() if line]


def lines_of(program):
    return [(page.name, line) for page in PAGES for line in blocks(page.read_text()) if line.startswith(program)]


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_as_the_code_has_them(name):
    page, make = TABLES[name]
    assert written(name, (ROOT / page).read_text()).strip() == make(), "run python -m tests.docs.tables"


@pytest.mark.parametrize("regime", BUNDLE.regimes, ids=lambda regime: regime.id)
def test_the_page_of_a_regime_is_as_the_bundle_has_it(regime):
    page = ROOT / "docs" / "regimes" / f"{regime.id}.md"
    assert page.read_text() == regime_page(regime.id), "run python -m tests.docs.tables"


def test_every_page_of_a_regime_has_its_regime():
    assert {page.stem for page in (ROOT / "docs" / "regimes").glob("*.md")} == {r.id for r in BUNDLE.regimes}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if "://" not in link:
            assert (page.parent / link).exists(), link


@pytest.mark.parametrize(("page", "line"), lines_of("ringfence "))
def test_ringfence_commands_exist(page, line):
    words = shlex.split(line)[1:]
    command = COMMANDS
    while isinstance(command, Group):
        command = command.commands[words.pop(0)]
    context = command.make_context(command.name, words, resilient_parsing=False)
    assert context.params is not None


@pytest.mark.parametrize(("page", "line"), lines_of("make "))
def test_make_targets_exist(page, line):
    target, *variables = line.split()[1:]
    assert re.search(rf"^{re.escape(target)}:.*##", MAKEFILE, re.M)
    for variable in variables:
        assert re.search(rf"^{variable.split('=')[0]} \?=", MAKEFILE, re.M)


def test_the_two_commands_are_in_the_readme():
    assert blocks(README)[:2] == ["make demo", "make test"]
    assert "make check test" in (ROOT / ".ci/run").read_text().splitlines()


def test_the_picture_of_the_flow_shows_topics_that_exist():
    shown = set(re.findall(r"[A-Z]\[([a-z.]+)\]", re.search(r"```mermaid\n(.*?)```", README, re.S)[1]))
    assert shown == {name for name in BY_NAME if not name.endswith(".dlq")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page):
    for name in re.findall(r"`([\w.-]+/[\w./-]*)`", page.read_text()):
        if not name.startswith(NOT_OURS):
            assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_that_are_named_exist(page):
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]+[A-Z]\b", page.read_text())) <= known


def test_every_decision_is_numbered_once():
    numbers = [path.name[:4] for path in sorted((ROOT / "docs/decisions").glob("*.md"))]
    assert numbers == [f"{i:04}" for i in range(1, len(numbers) + 1)]


def test_every_dependency_has_its_reason():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    page = (ROOT / "docs/dependencies.md").read_text()
    all_of_them = [*project["dependencies"], *project["optional-dependencies"]["local"]]
    names = [re.split(r"[\[>=]", line)[0] for line in all_of_them]
    assert [name for name in names if f"| {name} |" not in page] == []
    assert [name for name in re.findall(r"^\| ([\w-]+) \|", page, re.M)[1:] if name not in names] == []


def test_nothing_here_names_a_machine():
    """No path of a home folder, no address but this machine's own."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    suspect = re.compile(
        r"/(?:home|Users|root)/\w|https?://(?!127\.0\.0\.1|localhost)[\w.-]*(?:artifactory|nexus|pypi)"
    )
    for name in tracked:
        path = Path(ROOT / name)
        if path.suffix in {".py", ".md", ".toml", ".yaml", ".lock", ".sh", ".avsc", ".json"} and path.exists():
            assert not suspect.search(path.read_text()), name
