"""SIP over TLS with programs we did not write: Kamailio, baresip, and openssl as who attacks."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop

from sip import limits
from sip.accounts.auth import Credentials
from sip.accounts.digest_server import user
from sip.accounts.registrar import Phones
from sip.events import Account, Ended, Established, Incoming, Invite, Phone, Registration, SipEvent
from sip.transport.local import Local
from tests.interop.baresip import baresip
from tests.interop.desk import offer
from tests.interop.kamailio_registrar import PASSWORD, kamailio
from tests.ports import HOST, free_port
from tests.sip import stacks
from tests.sip.authority import Authority
from tests.sip.stacks import Agent, agents, hang_up, local

pytestmark = pytest.mark.interop
HERE = "IP:127.0.0.1"
SECRET = "telephone"


def account(port: int, user: str) -> Account:
    return Account(
        user,
        f"sip:{user}@{HOST}",
        f"sip:{HOST}:{port};transport=tls",
        ((HOST, port, 0),),
        Credentials(user, PASSWORD),
        expires_s=2,
    )


def register(agent: Agent, port: int, user: str) -> None:
    agent.endpoint.register(account(port, user), time.monotonic_ns())
    agent.stack.flush()


def state(agent: Agent, user: str) -> str:
    found = agent.endpoint.registration(user)
    return found.state if found is not None else "gone"


# Kamailio as our registrar


def test_an_account_is_registered_called_refreshed_and_taken_back(
    tmp_path: Path, authority: Authority
):
    """All of it on the one connection that the telephone opened."""

    async def main(port: int) -> None:
        tls = authority.options("both", HERE)
        caller = Agent(local("tls"), tls=tls, react=hang_up)
        called = Agent(local("tls"), tls=tls, react=stacks.answer)
        async with agents(caller, called):
            register(called, port, "1002")
            await called.until(lambda: state(called, "1002") == "registered")
            target = f"sip:1002@{HOST}:{port};transport=tls"
            invite = Invite(
                1, ((HOST, port, 0),), target, f"sip:1001@{HOST}", target, "c1", offer(1),
                credentials=Credentials("1001", PASSWORD),
            )  # fmt: skip
            caller.endpoint.invite(invite, time.monotonic_ns())
            caller.stack.flush()
            await caller.until_ended(1)
            await called.until_ended(1)
            [end] = caller.ended()
            assert (end.code, end.by, end.answered) == (200, "us", True)
            sent = called.endpoint.statistics()["sent"]
            await called.until(lambda: called.endpoint.statistics()["sent"] > sent)
            await called.until(lambda: state(called, "1002") == "registered")
            called.endpoint.unregister("1002", time.monotonic_ns())
            called.stack.flush()
            await called.until(lambda: state(called, "1002") == "gone")
            counts = called.stack.statistics()
            assert counts["connections_opened"] == 1
        states = [(e.state, e.code) for e in called.events if isinstance(e, Registration)]
        assert states == [("trying", 0), ("registered", 200), ("off", 200)]

    with kamailio(
        tmp_path, expires_s=2, transport="tls", certificate=authority.issue("registrar", HERE)
    ) as port:
        uvloop.run(main(port))


@pytest.mark.parametrize("name", ["DNS:registrar.example.com", "IP:127.0.0.2"])
def test_no_password_is_told_to_a_registrar_of_another_name(
    tmp_path: Path, authority: Authority, name: str
):
    async def main(port: int) -> None:
        agent = Agent(local("tls"), tls=authority.options("ours", HERE))
        async with agents(agent):
            register(agent, port, "1001")
            await agent.until(lambda: state(agent, "1001") == "waiting")
            counts = agent.stack.statistics()
            assert (counts["received"], counts["connections_broken"]) == (0, 1), "nobody answered"

    with kamailio(tmp_path, transport="tls", certificate=authority.issue("wrong", name)) as port:
        uvloop.run(main(port))


# baresip as our telephone


def answer(agent: Agent, event: SipEvent) -> None:
    """Ring, accept, and hang up once the call stands."""
    stacks.answer(agent, event)
    if isinstance(event, Established):
        agent.endpoint.release(event.leg, time.monotonic_ns())


def test_a_telephone_registers_and_calls_over_tls(tmp_path: Path, authority: Authority):
    certificate, key = authority.issue("telephone", HERE)
    certificate.write_text(certificate.read_text() + key.read_text())
    users = {"1001": user("1001", "office.vn", SECRET)}

    async def main() -> Agent:
        where = Local(HOST, free_port(), "tls", side="phone")
        phones = Phones("office.vn", users, expires_s_min=10)
        us = Agent(where, tls=authority.options("office", HERE), phones=phones, react=answer)
        async with agents(us):
            dial = f"/dial sip:9@{HOST}:{where.port};transport=tls"
            files = certificate, authority.file
            with baresip(tmp_path, "1001", SECRET, where.port, dial, certificates=files) as phone:
                await us.until_ended(1)
                await us.until(lambda: any(isinstance(e, Phone) for e in us.events))
                await asyncio.to_thread(phone.stop)
        return us

    us = uvloop.run(main())
    [call] = [e for e in us.events if isinstance(e, Incoming)]
    assert (call.user, call.request_user) == ("1001", "9")
    [end] = us.ended()
    assert isinstance(end, Ended)
    assert (end.code, end.by, end.answered) == (200, "us", True)
    assert any(e.user == "1001" and e.registered for e in us.events if isinstance(e, Phone))


# attackers


def client_hello(port: int) -> bytes:
    """The first words of openssl, as they are on the wire."""
    with socket.create_server((HOST, 0)) as ear:
        command = ["openssl", "s_client", "-connect", f"{HOST}:{ear.getsockname()[1]}"]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, **quiet) as program:
            talker, _ = ear.accept()
            with talker:
                talker.settimeout(100)
                hello = talker.recv(65_536)
            program.kill()
    assert hello[:2] == b"\x16\x03"
    return hello


@contextmanager
def half_handshakes(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Connections that stop somewhere in their first words, each elsewhere."""
    hello = client_hello(port)
    with ExitStack() as open_ones:
        made = []
        for n in range(count):
            made.append(open_ones.enter_context(socket.create_connection((HOST, port), 10)))
            made[-1].sendall(hello[: len(hello) * n // (count - 1)])
        yield made


def test_half_handshakes_keep_nobody_from_calling_and_are_closed(authority: Authority):
    """As many as one address may have; a call comes from another address and is answered."""
    count = limits.CONNECTIONS_PER_SOURCE_MAX
    tls = authority.options("target", HERE)

    async def main() -> None:
        us = Agent(local("tls"), tls=tls, react=stacks.answer)
        caller = Agent(local("tls", "127.0.0.2"), tls=tls, react=hang_up)
        async with agents(us, caller):
            port = us.stack.local()[1]
            attack = half_handshakes(port, count)
            held = await asyncio.to_thread(attack.__enter__)
            try:
                await us.until(lambda: us.stack.statistics()["connections"] == count)
                caller.call(1, us.stack.local())
                await caller.until_ended(1)
                assert caller.ended()[0].code == 200
                assert us.stack.statistics()["connections"] == count + 1
                await us.until(lambda: us.stack.statistics()["connections"] <= 1)
                for one in held:
                    await asyncio.to_thread(until_closed, one)
            finally:
                attack.__exit__(None, None, None)
            counts = us.stack.statistics()
            assert (counts["received"], counts["connections_broken"]) == (3, count)

    uvloop.run(main())


def until_closed(one: socket.socket) -> None:
    """Wait for the far end to end a connection, after whatever it said."""
    one.settimeout(100)
    with suppress(ConnectionResetError):
        while one.recv(65_536):
            pass


@pytest.mark.parametrize(
    "wish",
    [
        ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        ["-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"],
        ["-tls1_2", "-cipher", "PSK", "-psk", "00"],
    ],
    ids=["old", "nobody", "psk"],
)
def test_openssl_gets_no_weak_connection(authority: Authority, wish: list[str]):
    done = s_client(authority, *wish)
    assert "Cipher is (NONE)" in done["said"]
    assert done["received"] == 0


def test_openssl_cannot_renegotiate(authority: Authority):
    """Who asks for handshakes again and again would cost us many (CVE-2011-1473)."""
    done = s_client(authority, "-tls1_2", "-legacy_renegotiation", typed="R\n" * 20)
    assert "Cipher is ECDHE" in done["said"]
    assert "no renegotiation" in done["said"]
    assert done["received"] == 0


def s_client(authority: Authority, *wish: str, typed: str = "") -> dict[str, Any]:
    """What openssl said to us and of us, and how many messages we received."""

    async def main() -> dict[str, Any]:
        us = Agent(local("tls"), tls=authority.options("target", HERE))
        async with agents(us):
            command = ["openssl", "s_client", "-connect", f"{HOST}:{us.stack.local()[1]}", *wish]
            done = await asyncio.to_thread(
                subprocess.run, command, input=typed, capture_output=True, text=True, timeout=200,
                check=False,
            )  # fmt: skip
            await us.until(lambda: not us.stack.statistics()["connections"])
            said = done.stdout + done.stderr
            return {"said": said, "received": us.stack.statistics()["received"]}

    return uvloop.run(main())
