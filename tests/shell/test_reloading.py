"""What of a configuration holds after a reload, and what waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, get_origin, get_type_hints

import msgspec
import pytest

from dialerd.config import Config, load
from dialerd.shell.reloading import TAKEN_OVER, changes, taken_over

TEXT = """
numbering = { plan = "plan.toml" }
[[sip.listen]]
transport = "tcp"
[[trunk]]
name = "a"
host = "192.0.2.20"
channels = 2
"""


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], Config]:
    def one(text: str) -> Config:
        (tmp_path / "plan.toml").write_text("")
        path = tmp_path / "d.toml"
        path.write_text(text)
        path.chmod(0o600)
        return load(path)

    return one


def test_what_a_reload_would_change(read: Callable[[str], Config]) -> None:
    before = read(TEXT)
    assert changes(before, before).changed == ()
    after = read(
        TEXT.replace("channels = 2", "channels = 3")
        + '[[trunk]]\nname = "b"\nhost = "h"\n[sip]\nport = 5070\n'
    )
    told = changes(before, after)
    assert (told.added, told.changed, told.removed) == (("b",), ("a",), ())
    assert (told.restart, told.live) == (("sip.port",), ())
    phones = read(TEXT + "[phones]\nrealm = 'x'\ncontacts_max = 1\n")
    assert changes(before, phones).live == ("phones.realm", "phones.contacts_max")
    assert changes(before, phones).restart == ()


def test_what_is_told_as_live_holds_and_nothing_else_does(read: Callable[[str], Config]) -> None:
    before = read(TEXT)
    now = read(
        TEXT.replace("channels = 2", "channels = 3")
        + "[dialing]\ncalls_max = 7\n[media]\nport_low = 30000\nport_high = 30100\nthreads = 2\n"
        + "[log]\nlevel = 'debug'\n[store]\nmap_gib = 3\n[phones]\nrealm = 'x'\n"
    )
    told = changes(before, now)
    assert told.restart == ("store.map_gib", "media.threads")
    after = taken_over(before, now)
    left = changes(after, now)
    assert (left.live, left.changed, left.restart) == ((), (), told.restart)
    assert set(changes(before, after).live) == set(told.live)
    assert len(told.live) == 5


def marks(section: type, path: str = "") -> Iterator[tuple[str, str]]:
    """Each key outside of trunks with what the reference says of it."""
    for name, hint in get_type_hints(section, include_extras=True).items():
        if get_origin(hint) is Annotated:
            for meta in hint.__metadata__:
                if isinstance(meta, msgspec.Meta) and "reload" in (meta.extra or {}):
                    yield path + name, meta.extra["reload"]
        elif isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            yield from marks(hint, f"{path}{name}.")


def test_a_reload_takes_over_just_what_the_reference_says():
    those = dict(marks(Config))
    assert len(those) > 40
    assert {key for key, mark in those.items() if mark != "restart"} == {
        key for key in those if key.startswith(TAKEN_OVER)
    }
