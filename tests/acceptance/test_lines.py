"""Lines as a supervisor and an engineer see them: rows 43 to 45. Row 46 is with the modem banks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dialerd.core import control as api
from dialerd.core.lines_view import ListTrunks, Reload
from dialerd.core.records import Contact, Outcome
from dialerd.store import open_store, wait
from tests.daemon.conftest import Daemon
from tests.daemon.gateway import Gateway
from tests.daemon.test_banks import attempts_of
from tests.daemon.test_daemon import broadcast, until_finished
from tests.waiting import until

FIRST = """
kind = "sip"
provider = "fpt"
prefixes = ["8428"]
[trunk.plan]
cost_minute = 300.0
first_block_s = 60
[[trunk]]
name = "mobi"
kind = "mobile_sip"
provider = "mobifone"
host = "127.0.0.1"
port = {mobi}
channels = 30
calls_per_s_max = 50
loopback = true
prefixes = ["8490"]
username = "1001"
password = "one"
register = true
domain = "127.0.0.1"
"""
ADDED = """
[[trunk]]
name = "fxo"
kind = "fxo_gateway"
provider = "vnpt"
host = "127.0.0.1"
port = {fxo}
channels = 8
calls_per_s_max = 50
loopback = true
prefixes = ["8424"]
"""
HANOI, MOBI, SAIGON = 842_438_000_000, 84_901_000_000, 842_838_000_000


def lines(client: Any) -> dict[str, Any]:
    return {one.name: one for one in client.call(ListTrunks()).items}


def fill(folder: Path) -> None:
    """Three people of each place."""
    store = open_store(folder / "data")
    made = wait(store.create_list("people", 1))
    rows = [
        Contact(phone=first + one, original=str(first + one), carrier="")
        for first in (HANOI, MOBI, SAIGON)
        for one in range(3)
    ]
    wait(store.add_contacts(made.list_id, rows))
    store.close()


def test_row_43_44_45_each_line_with_its_kind_carrier_use_and_cost(tmp_path: Path) -> None:
    """SIP trunk, mobile SIP trunk with an account, and an FXO gateway added while calls are up."""
    with Gateway() as fpt, Gateway(knows="one") as mobi, Gateway() as fxo:
        more = FIRST.format(mobi=mobi.port)
        d = Daemon(tmp_path, gateway=fpt.port, more=more).start()
        try:
            with d.ready() as client:
                until(lambda: lines(client)["mobi"].registration == "registered")
                fill(d.folder)
                assert "fxo" not in lines(client)
                broadcast(client)
                until(lambda: lines(client)["gateway"].in_use == 3 == lines(client)["mobi"].in_use)
                d.config.write_text(d.config.read_text() + ADDED.format(fxo=fxo.port))
                assert client.call(Reload(who="test")).added == ("fxo",)
                assert client.call(api.GetStatus()).calls_in_flight >= 6, "none was dropped"
                books = until_finished(client)
                found = lines(client)
            assert d.stop()[0] == 0
        finally:
            d.end()
    assert books.outcomes[Outcome.ANSWERED] == 9
    assert [(one.kind, one.provider, one.channels) for one in found.values()] == [
        ("sip", "fpt", 100), ("mobile_sip", "mobifone", 30), ("fxo_gateway", "vnpt", 8),
    ]  # fmt: skip
    assert [one.registration for one in found.values()] == ["", "registered", ""]
    assert [(one.placed, one.asr) for one in found.values()] == [(3, 1.0)] * 3
    assert found["gateway"].use.cost_today == pytest.approx(900.0), "three minutes that were begun"
    assert found["mobi"].use.cost_today == 0.0
    assert sorted((one.trunk, one.phone // 10) for one in attempts_of(tmp_path)) == sorted(
        (trunk, first // 10)
        for trunk, first in (("fxo", HANOI), ("mobi", MOBI), ("gateway", SAIGON))
        for _ in range(3)
    )
