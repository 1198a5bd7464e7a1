"""Calls to the daemon: refused, counted by trunk; strangers hear nothing; phones register."""

from __future__ import annotations

import asyncio
import random
import socket
import time

from dialerd.core import control as api
from dialerd.core.lines_view import Reload
from sip.accounts.auth import Credentials
from sip.endpoint import Endpoint
from sip.events import Account, Registration
from sip.transport.io_udp import udp_stack
from sip.transport.local import Local
from tests.interop.listening import called
from tests.ports import free_port
from tests.sip.samples import message

PHONES = """
[[sip.listen]]
side = "phone"
port = {port}
[[phones.user]]
name = "101"
password = "secret"
"""


def counters(client) -> dict[str, float]:
    return client.call(api.GetStatus()).counters


def test_a_trunks_call_is_refused_and_counted(daemon) -> None:
    d = daemon().start()
    with d.ready() as client:
        code, report, _ = called(f"sip:02873001234@127.0.0.1:{d.sip}")
        (trunk,) = client.call(api.GetStatus()).trunks
    _, text = d.stop()
    assert (code, report["sip_code"]) == (1, 480)
    assert (trunk.name, trunk.incoming) == ("gateway", 1)
    assert "Traceback" not in text


def test_the_status_is_configured(daemon) -> None:
    d = daemon()
    text = d.config.read_text().replace("[dialing]", "[dialing]\ninbound_status = 404")
    d.config.write_text(text)
    d.start()
    with d.ready():
        _, report, _ = called(f"sip:x@127.0.0.1:{d.sip}")
    d.stop()
    assert report["sip_code"] == 404


def test_a_stranger_on_the_trunks_side_gets_no_answer_at_all(daemon) -> None:
    d = daemon().start()
    with d.ready() as client, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.2", 0))
        for start in (
            "OPTIONS sip:x@us SIP/2.0",
            "INVITE sip:x@us SIP/2.0",
            "BYE sip:x@us SIP/2.0",
        ):
            stranger.sendto(message(start), ("127.0.0.1", d.sip))
        stranger.sendto(b"junk\r\n\r\n", ("127.0.0.1", d.sip))
        give_up = time.monotonic() + 100
        while counters(client)["sip_strangers"] < 4:
            assert time.monotonic() < give_up
            time.sleep(0.02)
        stranger.setblocking(False)
        try:
            answer = stranger.recv(65_535)
        except BlockingIOError:
            answer = b""
    d.stop()
    assert answer == b""


async def _register(port: int, password: str) -> Registration:
    """The state after the registrar's last word."""
    loop, ours = asyncio.get_running_loop(), free_port()
    told: asyncio.Queue[Registration] = asyncio.Queue()

    def hear(event: object) -> None:
        if isinstance(event, Registration):
            told.put_nowait(event)

    endpoint = Endpoint(Local("127.0.0.1", ours), rng=random.Random(1))
    stack = udp_stack(endpoint, "127.0.0.1", ours, loop, hear)
    try:
        target = ("127.0.0.1", port, 0)
        account = Account(
            "a", "sip:101@127.0.0.1", "sip:127.0.0.1", (target,), Credentials("101", password)
        )
        endpoint.register(account, time.monotonic_ns())
        stack.flush()
        while (found := await asyncio.wait_for(told.get(), 100)).state == "trying":
            pass
        return found
    finally:
        stack.close()


def test_telephones_register_and_call_on_their_side(daemon) -> None:
    d, port = daemon(), free_port()
    d.config.write_text(d.config.read_text() + PHONES.format(port=port))
    d.config.chmod(0o600)
    d.start()
    with d.ready() as client:
        good = asyncio.run(_register(port, "secret"))
        bad = asyncio.run(_register(port, "guess"))
        uri = f"sip:0912345678@127.0.0.1:{port}"
        unknown = called(uri)[1]
        known = called(uri, "--auth", "101:secret")[1]
        (trunk,) = client.call(api.GetStatus()).trunks
    _, text = d.stop()
    assert (good.state, bad.state) == ("registered", "refused")
    assert (unknown["sip_code"], known["sip_code"]) == (401, 480)
    assert trunk.incoming == 0
    assert "Traceback" not in text


def test_a_reload_takes_over_the_telephones(daemon) -> None:
    """A password that is changed ends what was registered with the old one."""
    d, port = daemon(), free_port()
    before = d.config.read_text()
    d.config.write_text(before + f'[[sip.listen]]\nside = "phone"\nport = {port}\n')
    d.start()
    with d.ready() as client:
        assert asyncio.run(_register(port, "secret")).state == "refused"
        for password in ("secret", "other"):
            d.config.write_text(before + PHONES.format(port=port).replace("secret", password))
            told = client.call(Reload(who="test"))
            assert (told.live, told.restart, told.changed) == (("phones.user",), (), ())
            assert counters(client)["sip_phones"] == 0
            assert asyncio.run(_register(port, password)).state == "registered"
            assert counters(client)["sip_phones"] == 1
        d.config.write_text(d.config.read_text() + "[phones]\nusers = 'none.htdigest'\n")
        try:
            client.call(Reload(who="test"))
            refused = ""
        except api.Invalid as error:
            refused = str(error)
    _, text = d.stop()
    assert "none.htdigest" in refused
    assert "Traceback" not in text
