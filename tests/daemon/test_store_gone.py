"""A daemon with nothing to do notices that its data file is not the one it opened."""

import os
import shutil

import pytest

from dialerd.cli.main import FAILED, UNREACHABLE, run
from dialerd.control.io_client import SyncClient


@pytest.mark.parametrize("what", ["removed", "replaced"])
def test_it_stops_dialing_and_ends_with_a_clear_word(daemon, what):
    d = daemon().start()
    with d.ready():
        data = d.folder / "data" / "store" / "data.mdb"
        shutil.copy(data, data.with_name("copy"))
        if what == "removed":
            data.unlink()
        else:
            data.with_name("copy").rename(data)
        told = d.until_said("CRITICAL")
    assert f"data.mdb was {what} while it was in use" in told
    assert "nothing more is dialed" in told
    _, text = d.process.communicate(timeout=200)
    assert d.process.returncode == FAILED
    assert "Traceback" not in text
    # The next one does not take what is there on trust.
    assert (d.folder / "data" / "daemon.running").exists()
    d.start()
    if what == "removed":
        _, text = d.process.communicate(timeout=200)
        assert d.process.returncode == FAILED
        assert "data.mdb is gone: restore a backup" in text
    else:
        d.until_said("is examined before it is opened")
        with d.ready():
            pass
        assert d.stop()[0] == 0


def test_a_daemon_that_hangs_is_told_at_once_and_what_to_do(daemon, capsys, monkeypatch):
    monkeypatch.setattr("dialerd.control.io_client.SLOW_S", 0.01)
    monkeypatch.setattr(SyncClient.__init__, "__defaults__", (0.1, None))
    d = daemon().start()
    d.ready().close()
    os.kill(d.process.pid, 19)  # SIGSTOP
    assert run(["status", "-c", str(d.config)]) == UNREACHABLE
    said = capsys.readouterr().err
    assert "no answer yet" in said
    assert "kill -9" in said
    os.kill(d.process.pid, 18)
    monkeypatch.setattr(SyncClient.__init__, "__defaults__", (100.0, None))  # now it answers
    d.ready().close()
    assert run(["status", "-c", str(d.config)]) == 0
    assert d.stop()[0] == 0
