"""What each package offers to the others: names that cannot vanish unnoticed, and clean imports."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tomllib

import pytest

import dialerd
from tests import tree

# What the layers above rely on. A name is added or removed here on purpose.
OFFERED = {
    "fastpath.numbers": {"Analysis", "Number", "Numbering"},
    "fastpath.pacer.Pacer": {
        "abandoned", "agent_left", "agent_ready", "agent_reserved", "agent_talking",
        "agent_wrap_up", "answered", "begin_window", "call_ended", "dial_started", "dials",
        "explain", "human_answered",
    },
    "fastpath.rtp.MediaEngine": {
        "add_prompt", "close", "connect", "counters", "events", "fileno", "open", "play", "port",
        "record", "recorded", "send_digits", "start", "stats", "stop", "stop_play",
    },
    "sip.endpoint.Endpoint": {
        "accept", "deadline_ns", "drain", "invite", "receive", "reject", "release", "ring",
        "statistics", "tick",
    },
    "dialerd.core.dialer.Dialer": {"deadline_ns", "drain", "handle", "statistics", "tick"},
    "dialerd.core.ports.Store": {
        "add_contacts", "apply", "attempts_open", "campaign", "campaigns", "claim", "close",
        "create_campaign", "create_list", "dnc_add", "dnc_has", "dnc_remove", "find_campaign",
        "find_list", "lists", "move_campaign", "moves", "progress", "recover", "report",
    },
    "dialerd.store": {"LmdbStore", "MemoryStore", "open_store", "wait"},
    "dialerd.config": {"Config", "ConfigError", "find_config", "load"},
    "dialerd.control.io_client": {"ControlClient", "SyncClient", "UnreachableError"},
}  # fmt: skip
MODULES = sorted(
    tree.module_name(path)
    for path in tree.sources(".py", ".pyx")
    if path.stem != "__main__"  # importing it would run it
)
PURE = [
    name
    for name in MODULES
    if name.startswith(("fastpath", "sip", "gsm", "dialerd.core", "dialerd.lines"))
    and ".io_" not in name
]
WORLD = ("asyncio", "socket", "uvloop", "lmdb", "serial", "aiohttp", "selectors")
LOADED = """
import importlib, json, sys
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""


def loaded_by(names: list[str]) -> set[str]:
    """Every module that a fresh interpreter holds after importing some; warnings are errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOADED, json.dumps(names)],
        cwd=tree.ROOT, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def resolve(name: str) -> object:
    """A module, or a class in one."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, member = name.rpartition(".")
        return getattr(importlib.import_module(module), member)


@pytest.mark.parametrize("name", OFFERED)
def test_what_is_offered_is_there(name: str) -> None:
    missing = OFFERED[name] - set(dir(resolve(name)))
    assert not missing, f"{name} no longer offers {sorted(missing)}"


def test_every_module_can_be_imported_without_warnings() -> None:
    assert set(MODULES) <= loaded_by(MODULES)


def test_machines_load_nothing_that_touches_the_world() -> None:
    assert len(PURE) > 50
    found = loaded_by(PURE)
    assert not [name for name in WORLD if name in found]


def test_what_is_listed_exists() -> None:
    for name in MODULES:
        module = importlib.import_module(name)
        for member in getattr(module, "__all__", ()):
            assert hasattr(module, member), f"{name}.__all__ lists {member}"


def test_there_is_one_version() -> None:
    project = tomllib.loads((tree.ROOT / "pyproject.toml").read_text())["project"]
    assert dialerd.__version__ == project["version"]
    said = subprocess.run(
        [sys.executable, "-m", "dialerd", "--version"],
        cwd=tree.ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout == f"dialerd {dialerd.__version__}\n"


def test_both_stores_keep_the_protocol() -> None:
    from dialerd.store import LmdbStore, MemoryStore

    for store in (LmdbStore, MemoryStore):
        assert OFFERED["dialerd.core.ports.Store"] <= set(dir(store)), store
