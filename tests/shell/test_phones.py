"""Registrations of telephones in a file: what is kept, what is taken over, what harms nobody."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from dialerd.shell import phones as module
from dialerd.shell.clock import Clock
from dialerd.shell.phones import NAME, KeptPhones, write_whole
from sip.accounts.digest_server import user
from sip.accounts.registrar import Phones, Registrar
from sip.accounts.saved import Saved
from sip.endpoint import Endpoint
from sip.transport.local import Local

US = [Local("192.0.2.1", 5060), Local("192.0.2.1", 5070, side="phone")]
PHONES = Phones("office", {"1": user("1", "office", "secret")})
HERE = ("198.51.100.5", 5062, 1)


class Late(Clock):
    """A wall clock that is so many seconds ahead."""

    def __init__(self, ahead_s: int) -> None:
        super().__init__()
        self._ahead_ms = ahead_s * 1000

    def wall_ms(self) -> int:
        return super().wall_ms() + self._ahead_ms


class Desk:
    """A registrar and its file. To be made in a loop."""

    def __init__(self, folder: Path, those: list[Local] = US, ahead_s: int = 0) -> None:
        self.endpoint = Endpoint(*those, rng=random.Random(1), phones=PHONES)
        registrar = self.endpoint.registrar
        assert registrar is not None
        self.registrar: Registrar = registrar
        loop = asyncio.get_running_loop()
        self.kept = KeptPhones(registrar, those, folder, Late(ahead_s), loop)

    def add(self, contact: str = "sip:1@198.51.100.5", left_s: int = 600) -> None:
        saved = Saved("1", contact, HERE, left_s, contact, 1)
        assert self.registrar.restore([saved], time.monotonic_ns()) == 1


def run(main: Callable[[], object]) -> None:
    asyncio.run(main())  # type: ignore[arg-type]


def test_what_changes_is_written_soon_and_taken_over(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(module, "GAP_S", 0.01)

    async def main() -> None:
        one = Desk(tmp_path)
        assert one.kept.restore() == 0
        one.kept.start()
        for contact in ("sip:1@198.51.100.5", "sip:1@198.51.100.6"):
            one.add(contact)
            async with asyncio.timeout(100):
                while not _contacts(tmp_path) >= {contact}:  # noqa: ASYNC110 - a file tells nobody
                    await asyncio.sleep(0.01)
        await one.kept.close()
        again = Desk(tmp_path)
        assert again.kept.restore() == 2
        assert len(again.registrar.lookup("1")) == 2
        assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
        assert [path.name for path in tmp_path.iterdir()] == [NAME]

    run(main)


def _contacts(folder: Path) -> set[str]:
    path = folder / NAME
    if not path.exists():
        return set()
    return {b["contact"] for b in msgspec.json.decode(path.read_bytes())["bindings"]}


def test_a_stop_writes_what_is_not_written_yet_and_only_then(tmp_path: Path):
    async def main() -> None:
        one = Desk(tmp_path)
        one.kept.start()
        await one.kept.close()
        assert not (tmp_path / NAME).exists()
        one.kept.start()
        one.add()
        await one.kept.close()
        assert _contacts(tmp_path) == {"sip:1@198.51.100.5"}

    run(main)


@pytest.mark.parametrize(("ahead_s", "found"), [(0, 2), (300, 1), (700, 0), (-3_600, 2)])
def test_what_has_expired_meanwhile_is_dropped(tmp_path: Path, ahead_s: int, found: int):
    async def main() -> None:
        one = Desk(tmp_path)
        one.add("sip:1@198.51.100.5", 600)
        one.add("sip:1@198.51.100.6", 200)
        await one.kept.close()
        assert Desk(tmp_path, ahead_s=ahead_s).kept.restore() == found

    run(main)


def test_a_socket_is_known_by_what_it_is(tmp_path: Path):
    async def main() -> None:
        one = Desk(tmp_path)
        one.add()
        await one.kept.close()
        more = [US[0], Local("192.0.2.1", 5080, "tcp", "phone"), US[1]]
        other = Desk(tmp_path, more)
        assert other.kept.restore() == 1
        assert other.registrar.lookup("1")[0].target == (*HERE[:2], 2)
        elsewhere = [US[0], Local("192.0.2.1", 5071, side="phone")]
        assert Desk(tmp_path, elsewhere).kept.restore() == 0

    run(main)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff\xfe", b"[" * 100_000, b"{}", b'{"format":2}',
        b'{"format":2,"at_ms":0,"sockets":[],"bindings":[]}',
        b'{"format":1,"at_ms":0,"sockets":["x"],"bindings":[{"user":"1"}]}',
        b'{"format":1,"at_ms":0,"sockets":[],"bindings":[{"user":"1","contact":"sip:1@h",'
        b'"source":["198.51.100.5",5062,7],"left_s":600,"call_id":"c","cseq":1}]}',
    ],
)  # fmt: skip
def test_a_broken_file_is_left_out(tmp_path: Path, data: bytes):
    (tmp_path / NAME).write_bytes(data)

    async def main() -> None:
        one = Desk(tmp_path)
        assert one.kept.restore() == 0
        one.add()
        await one.kept.close()
        assert Desk(tmp_path).kept.restore() == 1

    run(main)


def test_a_disk_that_refuses_is_tried_again(tmp_path: Path, monkeypatch, caplog):
    monkeypatch.setattr(module, "GAP_S", 0.01)
    failures = [OSError("disk full")] * 2

    def write(path: Path, data: bytes) -> None:
        if failures:
            raise failures.pop()
        write_whole(path, data)

    monkeypatch.setattr(module, "write_whole", write)

    async def main() -> None:
        one = Desk(tmp_path)
        one.add()
        one.kept.start()
        async with asyncio.timeout(100):
            while not (tmp_path / NAME).exists():  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.01)
        await one.kept.close()

    run(main)
    assert caplog.text.count("disk full") == 2
