"""Trunks with an account: registered at Kamailio, called by its Service-Route, given up again."""

from __future__ import annotations

import time

import pytest

from dialerd.core.lines_view import ListTrunks, Reload
from dialerd.core.records import Outcome
from tests.daemon.gateway import Gateway
from tests.daemon.test_daemon import broadcast, people, until_finished
from tests.interop.kamailio_registrar import PASSWORD, kamailio
from tests.interop.sipp import sipp
from tests.ports import free_port
from tests.sip.authority import Authority

ACCOUNT = """
username = "1001"
password = "{word}"
register = true
register_s = 60
from_user = "{{account}}"
from_domain = "127.0.0.1"
domain = "127.0.0.1"
transport = "{transport}"
"""


def until(client, holds, seconds=100):
    """The first trunk, when it is so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        trunk = client.call(ListTrunks()).items[0]
        if holds(trunk):
            return trunk
        time.sleep(0.05)
    raise AssertionError(f"never so: {trunk}")


@pytest.mark.parametrize(
    ("transport", "domain"), [("udp", ""), ("udp", "127.0.0.1"), ("tcp", ""), ("tls", "127.0.0.1")]
)
def test_calls_travel_the_route_that_the_registrar_gave(daemon, tmp_path, transport, domain):
    """Kamailio refuses a call that does not come by its Service-Route (RFC 3608).

    Without `domain` the route's first element is where calls go, with it `host` is.
    """
    certificate, more = None, ACCOUNT.format(word=PASSWORD, transport=transport)
    if not domain:
        more = more.replace('domain = "127.0.0.1"\ntransport', 'registrar = "127.0.0.1"\ntransport')
    if transport != "udp":
        more += f'[[sip.listen]]\ntransport = "{transport}"\nport = {free_port()}\n'
    if transport == "tls":
        authority = Authority(tmp_path)
        certificate = authority.issue("carrier", "IP:127.0.0.1")
        more += f'ca = "{authority.file}"\n'
    with (
        sipp(tmp_path, "uas", 2) as person,
        kamailio(
            tmp_path, transport=transport, certificate=certificate, next_port=person.port
        ) as port,
    ):
        d = daemon(gateway=port, more=more).start()
        with d.ready() as client:
            until(client, lambda t: t.registration == "registered")
            people(d.folder, 2)
            broadcast(client)
            books = until_finished(client)
        assert person.finish()["successful"] == 2
        code, text = d.stop()
    assert books.outcomes[Outcome.ANSWERED] == 2
    assert code == 0
    assert "the account stays" not in text
    assert "Traceback" not in text


def account():
    return ACCOUNT.format(word="one", transport="udp")


def registered(gateway):
    """User and expiry of every REGISTER that was let in."""
    return [(r.user, r.expires_s) for r in gateway.registrations if r.code == 200]


def test_a_stop_gives_the_account_back_and_waits_for_the_answer(daemon):
    with Gateway(knows="one") as gateway:
        d = daemon(gateway=gateway.port, more=account()).start()
        with d.ready() as client:
            until(client, lambda t: t.registration == "registered")
            assert until(client, lambda t: t.up).why == ""
        code, text = d.stop()
        assert registered(gateway) == [("1001", 60), ("1001", 0)]
    assert code == 0
    assert "the account stays" not in text


def test_a_silent_registrar_does_not_hold_a_stop(daemon):
    with Gateway(knows="one") as gateway:
        d = daemon(gateway=gateway.port, more=account()).start()
        with d.ready() as client:
            until(client, lambda t: t.registration == "registered")
        gateway.mute = True
        code, text = d.stop()
    assert code == 0
    assert "the account stays" in text


def test_a_reload_registers_changes_and_gives_up(daemon):
    with Gateway(knows="two") as gateway:
        d = daemon(gateway=gateway.port, more=account()).start()
        with d.ready() as client:
            down = until(client, lambda t: "401" in t.registration)
            assert not down.up
            assert "401" in down.why
            text = d.config.read_text()
            d.config.write_text(text.replace('password = "one"', 'password = "two"'))
            client.call(Reload(who="test"))
            until(client, lambda t: t.registration == "registered")
            assert registered(gateway) == [("1001", 60)]
            client.call(Reload(who="test"))  # nothing is new: nothing is said
            text = d.config.read_text()
            d.config.write_text(text.replace('"1001"', '"1002"'))
            client.call(Reload(who="test"))
            _until_said(gateway, [("1001", 60), ("1001", 0), ("1002", 60)])
            until(client, lambda t: t.registration == "registered")
            d.config.write_text(text.replace("register = true", "register = false"))
            client.call(Reload(who="test"))
            _until_said(gateway, [("1001", 60), ("1001", 0), ("1002", 60), ("1002", 0)])
            assert until(client, lambda t: t.up).name == "gateway"
        assert d.stop()[0] == 0
        assert len(registered(gateway)) == 4


def _until_said(gateway, wanted, seconds=100):
    end = time.monotonic() + seconds
    while sorted(registered(gateway)) != sorted(wanted):
        assert time.monotonic() < end, registered(gateway)
        time.sleep(0.05)
