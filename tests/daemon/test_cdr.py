"""The daemon's files of what ended, and its outbox, over a kill and a stop."""

import json
import signal

from dialerd.cli.main import run
from dialerd.core import control as api
from dialerd.core.records import CampaignState
from dialerd.store import open_store
from tests.daemon.test_daemon import broadcast, people, until_finished
from tests.interop.sipp import sipp
from tests.waiting import until

MORE = """
[cdr]
enabled = true
format = "jsonl"
[outbox]
rows_max = 1000
"""


def lines(folder):
    files = sorted((folder / "data/cdr").glob("*.jsonl"), key=lambda f: (".current" in f.name, f))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_a_line_for_each_call_whatever_is_killed(daemon, capsys, tmp_path):
    with sipp(tmp_path, "switched_off", 10_000) as gateway:
        d = daemon(gateway=gateway.port, more=MORE).start()
        one_campaign(d, capsys)
    store = open_store(d.folder / "data", readonly=True)
    expected = store.ended(0, 1_000)
    assert [row["seq"] for row in lines(d.folder)] == [one.seq for one in expected]
    assert len(expected) == 60
    assert {row["number"] for row in lines(d.folder)} == {
        f"+{one.attempt.phone}" for one in expected
    }
    assert store.problems() == []
    store.close()


def one_campaign(d, capsys):
    """Killed once calls have ended, started again, stopped when it is finished."""
    with d.ready() as client:
        people(d.folder, 60)
        broadcast(client)
        until(lambda: len(lines(d.folder)) >= 5)
        d.process.send_signal(signal.SIGKILL)
        d.process.communicate()
    d.start()
    with d.ready() as client:
        assert until_finished(client).state is CampaignState.FINISHED
        assert client.call(api.GetStatus()).counters["store_outbox_rows"] == 60
        assert run(["status", "-c", str(d.config)]) == 0
        assert "60 of 1000 rows wait" in capsys.readouterr().out
    assert d.stop()[0] == 0
