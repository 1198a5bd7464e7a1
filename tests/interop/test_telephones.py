"""baresip at the stack of a configuration: over UDP, TCP and TLS, by a Path, across a crash."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import uvloop

from dialerd.config import load
from dialerd.core import control as api
from dialerd.lines.phone_line import phone_invite
from dialerd.shell.clock import Clock
from dialerd.shell.phones import NAME, KeptPhones
from dialerd.shell.sip_config import stack_settings
from dialerd.shell.sip_stack import Stack
from sip import sdp
from sip.accounts.registrar import Registrar
from sip.events import Accepted, Ended, SipEvent
from tests.daemon.conftest import Daemon
from tests.interop.baresip import baresip
from tests.interop.desk import HOST
from tests.interop.kamailio_registrar import kamailio
from tests.ports import free_port
from tests.sip.authority import Authority
from tests.waiting import until

pytestmark = pytest.mark.interop
SECRET = "telephone"
TABLES = """
[[sip.listen]]
side = "phone"
transport = "{transport}"
port = {port}
{more}
[phones]
expires_min_s = 10
[[phones.user]]
name = "1001"
password = "{secret}"
"""


class Office:
    """The telephones' side as the daemon builds it, and a way to call one of them."""

    def __init__(self, path: Path, folder: Path) -> None:
        loop = asyncio.get_running_loop()
        self.stack = Stack(stack_settings(load(path)), loop, random.Random(1), Clock())
        self.stack.on_event = self._told
        self.events: list[SipEvent] = []
        registrar = self.stack.endpoint.registrar
        assert registrar is not None
        self.registrar: Registrar = registrar
        self.kept = KeptPhones(registrar, self.stack.locals, folder, Clock(), loop)
        self.legs = 0

    def _told(self, event: SipEvent) -> None:
        self.events.append(event)
        if isinstance(event, Accepted):
            self.stack.endpoint.release(event.leg, time.monotonic_ns())

    async def until(self, ready: Callable[[], object]) -> None:
        async with asyncio.timeout(100):
            while not ready():  # noqa: ASYNC110 - there is no event for all of it
                await asyncio.sleep(0.02)

    async def call(self, user: str) -> Ended:
        """Call the first telephone of a user, and hang up when it answers."""
        self.legs += 1
        leg = self.legs
        phone = self.registrar.lookup(user)[0]
        invite = phone_invite(
            phone,
            leg=leg,
            user=user,
            caller="9",
            call_id=f"to-{user}-{leg}-{random.getrandbits(32)}",
            sdp=sdp.offer(HOST, 30_000, session_id=leg),
            local_host=HOST,
        )
        self.stack.endpoint.invite(invite, time.monotonic_ns())
        self.stack.flush()
        await self.until(lambda: any(isinstance(e, Ended) and e.leg == leg for e in self.events))
        return next(e for e in self.events if isinstance(e, Ended) and e.leg == leg)


@asynccontextmanager
async def office(path: Path, folder: Path) -> AsyncIterator[Office]:
    one = Office(path, folder)
    try:
        yield one
    finally:
        one.stack.close()


def configuration(folder: Path, transport: str = "udp", more: str = "") -> tuple[Path, int]:
    """A file with one telephone, and the port of its side."""
    port = free_port()
    path = folder / "office.toml"
    tables = TABLES.format(transport=transport, port=port, more=more, secret=SECRET)
    path.write_text(f"[sip]\nport = {free_port()}\n" + tables)
    path.chmod(0o600)
    return path, port


def answered(end: Ended) -> bool:
    return (end.code, end.by, end.answered) == (200, "us", True)


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_a_telephone_registers_and_is_called_where_it_is(tmp_path: Path, transport: str) -> None:
    """Over TCP and TLS by the connection that it opened: it listens nowhere we could reach."""
    more = ""
    if transport == "tls":
        certificate, key = Authority(tmp_path).issue("office", f"IP:{HOST}")
        more = f'certificate = "{certificate}"\nkey = "{key}"\n'
        key.chmod(0o600)
    path, port = configuration(tmp_path, transport, more)

    async def main() -> None:
        async with office(path, tmp_path) as one:
            with baresip(tmp_path, "1001", SECRET, port, transport=transport) as phone:
                await one.until(lambda: one.registrar.lookup("1001"))
                assert answered(await one.call("1001"))
                await asyncio.to_thread(phone.stop)
                await one.until(lambda: not one.registrar.lookup("1001"))

    uvloop.run(main())


def test_a_telephone_behind_a_proxy_is_called_by_its_path(tmp_path: Path) -> None:
    """Kamailio refuses an INVITE that does not travel the Path that it put into the REGISTER."""
    path, port = configuration(tmp_path)

    async def main() -> None:
        async with office(path, tmp_path) as one:
            with (
                kamailio(tmp_path, edge_of=port) as edge,
                baresip(tmp_path, "1001", SECRET, port, proxy=edge) as phone,
            ):
                await one.until(lambda: one.registrar.lookup("1001"))
                [found] = one.registrar.lookup("1001")
                assert found.target[:2] == (HOST, edge)
                assert len(found.routes) == 1
                assert f"edge@{HOST}:{edge}" in found.routes[0]
                assert answered(await one.call("1001"))
                await asyncio.to_thread(phone.stop)

    uvloop.run(main())


def test_a_crash_loses_no_registration(tmp_path: Path) -> None:
    """Registered at a daemon that is killed: another one knows it, and the next calls it."""
    d = Daemon(tmp_path)
    port = free_port()
    tables = TABLES.format(transport="udp", port=port, more="", secret=SECRET)
    d.config.write_text(d.config.read_text() + tables)
    file = tmp_path / "data" / NAME

    try:
        d.start().ready().close()
        with baresip(tmp_path, "1001", SECRET, port):
            until(lambda: file.exists() and b"1001" in file.read_bytes())
            d.stop(signal.SIGKILL)
            d.start()
            with d.ready() as client:
                assert client.call(api.GetStatus()).counters["sip_phones"] == 1
            d.stop(signal.SIGKILL)
            assert file.stat().st_mode & 0o077 == 0

            async def main() -> None:
                async with office(d.config, file.parent) as one:
                    assert one.kept.restore() == 1
                    assert answered(await one.call("1001"))

            uvloop.run(main())
            d.start().ready().close()  # so that the telephone can take itself back
        until(lambda: b"1001" not in file.read_bytes())
        assert msgspec.json.decode(file.read_bytes())["bindings"] == []
        assert d.stop()[0] == 0
    finally:
        d.end()
