"""`dialerd calls`: what is in progress, looked at and ended from a terminal."""

import json

import pytest

from tests.command_line import dialerd
from tests.daemon.gateway import Gateway
from tests.daemon.test_calls_http import LONG
from tests.daemon.test_daemon import people
from tests.waiting import until

SPEC = 'name = "c"\nlist = "people"\nregime = "loopback"\n'


@pytest.fixture
def gateway():
    with Gateway(talks=lambda _: True) as made:
        yield made


def test_calls_are_listed_shown_and_hung_up(daemon, gateway, tmp_path, monkeypatch):
    d = daemon(gateway=gateway.port)
    monkeypatch.setenv("DIALERD_CONFIG", str(d.config))
    people(d.folder, 2)
    d.start().ready().close()

    def live():
        return json.loads(dialerd("calls", "ls", "--json"))

    assert live() == []
    file = tmp_path / "campaign.toml"
    (step,) = LONG
    file.write_text(f'{SPEC}[[steps]]\nprompt = "{step["prompt"]}"\nkeys = {{ 1 = "end" }}\n'
                    f'wait_ms = {step["wait_ms"]}\n')  # fmt: skip
    dialerd("campaign", "create", "--file", str(file))
    for action in ("approve", "start"):
        dialerd("campaign", action, "c")
    until(lambda: sum(call["state"] == "up" for call in live()) == 2, 60.0, 0.05)
    first, second = live()
    shown = dialerd("console", "-c", "show calls")
    assert first["number"] in shown
    assert "gateway" in shown
    attempt = str(first["attempt"])
    told = dialerd("calls", "show", attempt)
    assert f"attempt {attempt}" in told
    assert "answered" in told
    assert "transfer" in dialerd("calls", "transfer", attempt, "agent", "lan", code=1)
    assert json.loads(dialerd("calls", "hang-up", attempt, "-o", "json"))["attempt"] == 1
    until(lambda: [call["attempt"] for call in live()] == [second["attempt"]], 60.0, 0.05)
    dialerd("calls", "show", attempt, code=1)
    assert d.stop()[0] == 0
    assert [call.ended for call in gateway.calls.values()] == [True, True]
