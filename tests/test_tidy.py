"""Rules about the sources that no tool knows: layers, who may touch the world, sizes, habits.

A finding names file and line and says what to do. `RATCHET` lists files that may stay larger than
the limit, each with its present size and the reason; a file may only shrink or leave it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests import tree

pytestmark = pytest.mark.xdist_group("tidy")  # each file is parsed once, for all rules
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
RATCHET: dict[str, tuple[int, str]] = {  # file: lines allowed, why it is not split
}

FACE = {
    "dialerd.core", "dialerd.config", "dialerd.control", "dialerd.detect", "dialerd.importer",
    "dialerd.plan_file",
    "dialerd.store",
    "dialerd.lines", "sip", "gsm", "fastpath",
}  # fmt: skip
# What each part may import of ours; the longest name wins. "*" is everything: composition roots.
LAYERS: dict[str, set[str]] = {
    "fastpath": set(),
    "sip": {"fastpath"},
    "gsm": {"fastpath"},
    "dialerd.core": {"fastpath"},
    "dialerd.config": {"dialerd.core", "gsm", "fastpath"},
    "dialerd.importer": {"dialerd.core", "fastpath"},
    "dialerd.detect": {"fastpath"},
    "dialerd.plan_file": {"dialerd.core", "fastpath"},
    "dialerd.log_lines": set(),
    "dialerd.control": {"dialerd.core", "fastpath"},
    "dialerd.store": {"dialerd.core", "fastpath"},
    "dialerd.lines": {"dialerd.core", "sip", "gsm", "fastpath"},
    "dialerd.shell": FACE,
    "dialerd.sim": FACE,
    "admin_http": {
        "dialerd.core",
        "dialerd.config",
        "dialerd.control",
        "dialerd.lines",
        "dialerd.importer",
        "dialerd.log_lines",
        "dialerd.plan_file",
        "dialerd.store",
        "fastpath",
    },
    "dialerd.cli": {"*"},
    "dialerd.daemon": {"*"},
    "dialerd.__main__": {"*"},
    "dialerd": set(),
}

# Modules through which a program touches the world: sockets, clocks, disks, devices.
WORLD = {"asyncio", "uvloop", "socket", "serial", "lmdb", "time", "select", "selectors"}
EDGES = re.compile(
    r"(.*/)?io_\w+\.pyx?$|dialerd/(shell|store|cli)/|admin_http/|dialerd/(daemon|__main__)\.py$"
)
# Pure machines: no clock, no randomness of their own, no files, no threads.
MACHINES = re.compile(r"(sip|gsm|dialerd/core|dialerd/lines)/(?!(.*/)?io_)")
MACHINES_NEVER = {
    "os", "secrets", "uuid", "threading", "subprocess", "multiprocessing", "tempfile", "queue",
}  # fmt: skip
CLOCK_CALLS = {"now", "utcnow", "today"}

MARKER = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b")
SKIP = re.compile(
    r"pytest\.(sk" r"ip|importorsk" r"ip|xf" r"ail)\b|mark\.(sk" r"ip|sk" r"ipif|xf" r"ail)\b"
)
# Where somebody's checkout or package store lies; below a folder of /tmp it is a checkout too.
PLACE = re.compile(
    r"(?<![\w.$}/-])(?:file://)?"
    r"/(?:(?:home|root|Users|workspaces?|work|builds?|mnt|opt(?!/dialerd\b))/\w|tmp/\w+/\w)"
)


def settle(findings: Iterable[str]) -> None:
    found = list(findings)
    assert not found, "\n" + "\n".join(found)


def layer_of(name: str) -> str | None:
    """The part of ours a dotted name belongs to, None for anybody else's module."""
    matches = [layer for layer in LAYERS if name == layer or name.startswith(layer + ".")]
    return max(matches, key=len) if matches else None


def forbidden_imports(path: Path) -> Iterable[str]:
    own = layer_of(tree.module_name(path))
    assert own is not None, f"{tree.name_of(path)}: a new part needs its line in LAYERS"
    for where, name in tree.imports(path):
        other = layer_of(name)
        if other in (None, own, "dialerd") or "*" in LAYERS[own]:
            continue  # the top package itself holds the version only
        if other not in LAYERS[own]:
            yield f"{where}: {own} must not import {name}"


def test_layers_import_only_downward() -> None:
    settle(f for p in tree.sources(".py", ".pyi", ".pyx", ".pxd") for f in forbidden_imports(p))


def test_no_two_layers_import_each_other() -> None:
    for part, allowed in LAYERS.items():
        for below in allowed - {"*"}:
            assert part not in LAYERS[below], f"{part} and {below} import each other"


def test_only_the_edges_touch_the_world() -> None:
    settle(
        f"{where}: {name} belongs into io_*.py, shell, store, admin_http, daemon or cli"
        for path in tree.sources(".py", ".pyi", ".pyx")
        if not EDGES.match(tree.name_of(path))
        for where, name in tree.imports(path)
        if name.split(".")[0] in WORLD
    )


def impurities(path: Path) -> Iterable[str]:
    for where, name in tree.imports(path):
        top, _, rest = name.partition(".")
        if top in MACHINES_NEVER or (top == "random" and rest not in ("", "Random")):
            yield f"{where}: a machine must not import {name}"
    for where, node in tree.walk(path):
        if not isinstance(node, ast.Attribute):
            continue
        owner = getattr(node.value, "id", "") or getattr(node.value, "attr", "")
        if owner == "random" and node.attr != "Random":
            yield f"{where}: pass a random.Random in"
        if owner in ("datetime", "date") and node.attr in CLOCK_CALLS:
            yield f"{where}: pass the time in"


def test_machines_take_time_and_chance_as_arguments() -> None:
    settle(
        finding
        for path in tree.sources(".py")
        if MACHINES.match(tree.name_of(path))
        for finding in impurities(path)
    )


def oversized(path: Path) -> Iterable[str]:
    name, lines = tree.name_of(path), len(path.read_text().splitlines())
    limit, _ = RATCHET.get(name, (FILE_LINES_MAX, ""))
    if lines > limit:
        yield f"{name}: {lines} lines, the limit is {limit}: split it by notion"
    elif name in RATCHET and lines <= FILE_LINES_MAX:
        yield f"{name}: short enough now, take it out of RATCHET"


def test_files_are_short() -> None:
    paths = tree.sources(".py", ".pyx", ".pyi", ".pxd", within=tree.CODE)
    settle(finding for path in paths for finding in oversized(path))
    gone = set(RATCHET) - {tree.name_of(path) for path in paths}
    assert not gone, f"in RATCHET and gone: {sorted(gone)}"


def test_functions_are_short() -> None:
    settle(
        f"{where}: {name} has {length} lines, the limit is {FUNCTION_LINES_MAX}"
        for path in tree.sources(".py", ".pyx", within=tree.CODE)
        for where, name, length in tree.functions(path)
        if length > FUNCTION_LINES_MAX
    )


def test_every_extension_is_declared_and_described() -> None:
    settle(
        f"{tree.name_of(path)}: its {suffix} is missing"
        for path in tree.sources(".pyx")
        for suffix in (".pxd", ".pyi")
        if not path.with_suffix(suffix).is_file()
    )


def test_stubs_are_the_documentation_of_extensions() -> None:
    settle(
        f"{where}: {node.name} needs a docstring"
        for path in tree.sources(".pyi")
        for where, node in tree.walk(path)
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    )


def test_every_package_is_typed_and_installed_whole() -> None:
    for package in tree.PACKAGES:
        assert (tree.ROOT / package / "py.typed").is_file(), f"{package}: py.typed is missing"
    settle(
        f"{tree.name_of(path)}: its folder has no __init__.py, so it would not be installed"
        for path in tree.sources(".py", ".pyx")
        if not (path.parent / "__init__.py").is_file()
    )


def test_nothing_is_left_for_later() -> None:
    settle(
        f"{where}: do it now, or write an issue: {line.strip()}"
        for where, line in tree.lines_of(".py", ".pyx", ".pxd", ".pyi", ".toml", ".md")
        if MARKER.search(line)
    )


def test_only_the_command_line_prints() -> None:
    """Ruff's rule forgives a noqa; this one does not."""
    settle(
        f"{where}: log it or return it"
        for path in tree.sources(".py")
        if not tree.name_of(path).startswith(("dialerd/cli/", "dialerd/__main__"))
        for where, node in tree.walk(path)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    )


def proves_something(function: ast.AST) -> bool:
    """Whether a test can fail on purpose: assert, pytest.raises, or a helper named for it."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", "") or getattr(node.func, "id", "")
            if called in ("raises", "warns", "fail", "settle"):
                return True
            if called.startswith(("assert_", "check_", "expect_")):
                return True
    return False


def test_every_test_asserts() -> None:
    settle(
        f"{where}: {node.name} asserts nothing"
        for path in tree.sources(".py", within=("tests", "bench"))
        if path.name.startswith("test_")
        for where, node in tree.walk(path)
        if isinstance(node, tree.Function)
        and node.name.startswith("test_")
        and not proves_something(node)
    )


def test_no_test_is_skipped() -> None:
    """A missing tool is a failure that says what to install."""
    settle(
        f"{where}: fail with what to install instead"
        for where, line in tree.lines_of(".py", within=("tests", "bench"))
        if SKIP.search(line)
    )


def text_lines(path: Path) -> Iterable[tuple[int, str]]:
    try:
        return enumerate(path.read_text().splitlines(), 1)
    except UnicodeDecodeError:
        return ()  # audio and captures


def test_no_file_names_a_build_place() -> None:
    settle(
        f"{tree.name_of(path)}:{number}: names a place on somebody's machine: {line.strip()[:80]}"
        for path in tree.files()
        if path != Path(__file__)
        for number, line in text_lines(path)
        if PLACE.search(line)
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("--find-links /opt/wheels", True),
        ("cd /home/lan/dialerd", True),
        ("see /tmp/a/b", True),
        ("file:///root/x", True),
        ("https://example.org/home/page", False),
        ("/tmp/leads.csv", False),
        ("/opt/dialerd/bin", False),
        ("{root}/home/x", False),
    ],
)
def test_build_places_are_recognised(text: str, found: bool) -> None:
    assert bool(PLACE.search(text)) == found


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("dialerd.core.dialer.Dialer", "dialerd.core"),
        ("dialerd.__version__", "dialerd"),
        ("sip.endpoint", "sip"),
        ("sipmessage.Request", None),
        ("asyncio", None),
    ],
)
def test_layers_are_recognised(name: str, layer: str | None) -> None:
    assert layer_of(name) == layer


def test_imports_are_read_from_cython() -> None:
    text = "from fastpath.udp cimport drain, Batch as B\ncimport numpy as np\n    import time\n"
    assert list(tree.cython_imports(text)) == [
        (1, "fastpath.udp.drain"), (1, "fastpath.udp.Batch"), (2, "numpy"), (3, "time"),
    ]  # fmt: skip
