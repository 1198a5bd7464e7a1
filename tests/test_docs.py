"""The documents say what is: links resolve, commands exist, decisions are listed."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from dialerd.cli.apply_plan import Wanted, faults
from dialerd.config import Config, DetectionFiles, load
from dialerd.core.campaign_spec import CampaignSpec, spec_faults
from dialerd.toml_load import read
from tests import tree

PAGES = sorted(path for path in tree.files() if path.suffix == ".md")
ADRS = sorted((tree.ROOT / "docs" / "adr").glob("[0-9]*.md"))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TARGETS = set(re.findall(r"^([a-z-]+):.*##", (tree.ROOT / "Makefile").read_text(), re.MULTILINE))
# Paths as the documents write them; only those under a folder of ours are looked up.
PATH = re.compile(r"`((?:[\w.-]+/)+[\w.*-]*)`")


def page_ids(paths: list[Path]) -> list[str]:
    return [tree.name_of(path) for path in paths]


def prose(path: Path) -> str:
    return FENCE.sub("", path.read_text())


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in headings}


def commands(path: Path) -> Iterator[list[str]]:
    """The command lines of console blocks, continued lines joined, prompts and comments removed."""
    for kind, body in FENCE.findall(path.read_text()):
        if kind not in ("console", "bash", "sh"):
            continue
        for line in body.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words:
                yield words


@pytest.mark.parametrize("path", PAGES, ids=page_ids(PAGES))
def test_links_resolve(path: Path) -> None:
    broken = []
    for link in LINK.findall(prose(path)):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        page = (path.parent / target).resolve() if target else path
        missing_anchor = anchor and page.suffix == ".md" and anchor not in anchors(page)
        if not page.exists() or missing_anchor:
            broken.append(link)
    assert not broken, f"{tree.name_of(path)}: {broken}"


@pytest.mark.parametrize("path", PAGES, ids=page_ids(PAGES))
def test_named_paths_exist(path: Path) -> None:
    tops = {p.name for p in tree.ROOT.iterdir() if p.is_dir()} - {"build", ".venv"}
    gone = [
        name
        for name in PATH.findall(prose(path))
        if name.split("/")[0] in tops and not list(tree.ROOT.glob(name.rstrip("/")))
    ]
    assert not gone, f"{tree.name_of(path)}: {gone}"


@pytest.mark.parametrize("path", PAGES, ids=page_ids(PAGES))
def test_make_commands_exist(path: Path) -> None:
    for words in commands(path):
        if words[0] == "make":
            goals = [word for word in words[1:] if "=" not in word]
            assert set(goals) <= TARGETS, f"{tree.name_of(path)}: make {goals}"


def check_command(words: list[str]) -> None:
    """Follow a `dialerd …` line through the command tree; options must exist where they stand."""
    from dialerd.cli.main import cli

    command: click.Command = cli
    context = click.Context(command, info_name="dialerd")
    rest = words[1:]
    while isinstance(command, click.Group):
        known = command.list_commands(context)
        step = next((word for word in rest if not word.startswith("-")), None)
        if step is None:
            break
        assert step in known, f"{' '.join(words)}: no command {step!r} in {known}"
        found = command.get_command(context, step)
        assert found is not None
        command, rest = found, rest[rest.index(step) + 1 :]
        context = click.Context(command, info_name=step, parent=context)
    flags = {name for p in command.get_params(context) for name in (*p.opts, *p.secondary_opts)}
    used = {word.split("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
    assert used <= flags | {"--help"}, f"{' '.join(words)}: unknown {sorted(used - flags)}"


@pytest.mark.parametrize("path", PAGES, ids=page_ids(PAGES))
def test_dialerd_commands_exist(path: Path) -> None:
    for words in commands(path):
        if words[0].rpartition("/")[2] == "dialerd":
            check_command(words)


def test_the_translated_tutorial_has_the_same_commands() -> None:
    docs = tree.ROOT / "docs"
    assert list(commands(docs / "tutorial.vi.md")) == list(commands(docs / "tutorial.md"))
    english, translated = (
        [
            tomllib.loads(body)
            for kind, body in FENCE.findall((docs / name).read_text())
            if kind == "toml"
        ]
        for name in ("tutorial.md", "tutorial.vi.md")
    )
    assert english == translated


def test_every_page_is_reached_from_the_readme() -> None:
    """Whoever adds a page links it from one that is read."""
    seen, left = set(), [tree.ROOT / "README.md"]
    while left:
        page = left.pop()
        seen.add(page)
        for link in LINK.findall(prose(page)):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target.exists() and target not in seen:
                left.append(target)
    alone = {path for path in PAGES if path.is_relative_to(tree.ROOT / "docs")} - seen
    assert not alone, f"no page links to {sorted(map(tree.name_of, alone))}"


def configurations() -> list[tuple[Path, str]]:
    blocks = [
        (path, kind, body) for path in PAGES for kind, body in FENCE.findall(path.read_text())
    ]
    return [(path, body) for path, kind, body in blocks if kind == "toml"]


def is_of_campaign(body: str) -> bool:
    """Whether it is a part of a campaign's file, and none of the daemon's."""
    found = tomllib.loads(body)
    of_daemon = set(Config.__struct_fields__) - {"detection"}
    files = set(DetectionFiles.__struct_fields__)
    return not (of_daemon & found.keys() or files & set(found.get("detection", ())))


def is_for_apply(body: str) -> bool:
    """Whether it is a file of objects for `dialerd apply`."""
    found = tomllib.loads(body)
    return any(isinstance(found.get(kind), list) for kind in Wanted.__struct_fields__)


def check_campaign(body: str, file: Path) -> None:
    """With a name, a list and a regime it is a campaign."""
    needed = {"name": "c", "list": "l", "regime": "test"}
    lines = [f'{key} = "{text}"' for key, text in needed.items() if key not in tomllib.loads(body)]
    file.write_text("\n".join([*lines, body]))
    spec = read(file, CampaignSpec)
    # Only what a part alone cannot have: the flow of another part of the page.
    assert [
        one.text for one in spec_faults(spec) if one.pointer[0] in ("detection", "agents")
    ] == []


@pytest.mark.parametrize(
    ("path", "body"), configurations(), ids=[p.stem for p, _ in configurations()]
)
def test_documented_configurations_are_right(
    path: Path, body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in re.findall(r"\$\{env:(\w+)\}", body):
        monkeypatch.setenv(name, "secret")
    file = tmp_path / "dialerd.toml"
    if is_for_apply(body):
        file.write_text(body)
        read(file, Wanted, rules=faults)
        return
    if is_of_campaign(body):
        check_campaign(body, file)
        return
    file.write_text(body)
    found = load(file)
    assert found.trunk or found.phones.user or found.bank, tree.name_of(path)


def test_decisions_are_numbered_listed_and_complete() -> None:
    listed = (tree.ROOT / "docs" / "adr" / "README.md").read_text()
    assert [path.name[:4] for path in ADRS] == [f"{n:04}" for n in range(1, len(ADRS) + 1)]
    for path in ADRS:
        text = path.read_text()
        title = text.splitlines()[0].removeprefix(f"# {path.name[:4]} ")
        assert f"[{path.name[:4]}]({path.name}) | {title} |" in listed, path.name
        for part in ("Status: ", "## Context", "## Decision", "## Consequences"):
            assert part in text, f"{path.name}: {part}"


def test_changelog_has_a_place_for_what_comes_next() -> None:
    sections = re.findall(r"^## (.+)$", (tree.ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert sections[0] == "[Unreleased]"
    for section in sections[1:]:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", section), section


def test_readme_gives_the_two_commands_first() -> None:
    first = list(commands(tree.ROOT / "README.md"))[:2]
    assert first == [["make", "demo"], ["make", "test"]]


def test_every_make_target_explains_itself() -> None:
    phony = re.search(r"^\.PHONY: (.+)$", (tree.ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == TARGETS


def test_every_dependency_is_argued_for() -> None:
    project = tomllib.loads((tree.ROOT / "pyproject.toml").read_text())
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["dev"],
        *project["build-system"]["requires"],
    ]
    names = {re.split(r"[\[<>=!~ ]", line)[0].lower() for line in wanted}
    page = (tree.ROOT / "docs" / "dependencies.md").read_text()
    assert names == set(re.findall(r"^\| `([\w-]+)`", page, re.MULTILINE))


def test_architecture_names_every_file() -> None:
    """Whoever adds a file says in one line what it is for."""
    page = prose(tree.ROOT / "docs" / "architecture.md")
    named = {code.rstrip("/").rpartition("/")[2] for code in re.findall(r"`([^`]+)`", page)}
    everywhere = {"__init__.py", "__main__.py", "errors.py", "limits.py"}
    missing = [
        tree.name_of(path)
        for path in tree.sources(".py", ".pyx")
        if not {path.name, path.stem} & (named | everywhere)
    ]
    assert not missing, f"docs/architecture.md does not name {missing}"
