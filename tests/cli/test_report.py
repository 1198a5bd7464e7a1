"""`dialerd report` on a real store."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import pytest

from dialerd.store import open_store, wait
from tests.store.kit import begin, call, filled_list, people, running, take


@pytest.fixture
def campaign(config):
    store = open_store(config.parent / "data")
    running(store, filled_list(store, "a", people(1_200)), "mùa xuân")
    call(store, take(store, n=1)[0], keys="1")
    store.close()
    return config.parent / "data"


def test_csv_to_the_terminal_is_the_default(campaign, command):
    assert campaign.is_dir()
    done = command("report", "mùa xuân")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("\ufeffnumber,original,")
    assert len(done.out.split("\r\n")) == 1_202


def test_json_into_a_file(campaign, command, tmp_path):
    target = tmp_path / "out.json"
    done = command("report", "1", "-o", "json", "--file", str(target))
    assert (done.code, done.out) == (0, "")
    assert str(target) in done.err
    found = json.loads(target.read_text())
    assert len(found) == 1_200
    assert found[0]["attempts"][0]["keys"] == "1"
    assert target.stat().st_mode & 0o077 == 0
    assert [path.name for path in campaign.parent.glob(".*part")] == []


def test_times_are_in_the_configured_zone(campaign, command, config):
    assert campaign.is_dir()
    config.write_text(config.read_text() + '[dialing]\nzone = "+09:30"\n')
    rows = list(csv.DictReader(io.StringIO(command("report", "1").out[1:])))
    assert rows[0]["dialed_at"].endswith("+09:30")


def test_beside_a_running_daemon(campaign, command):
    """One in another process, as it always is."""
    code = (
        "import sys; from dialerd.store import *; from tests.store.kit import *\n"
        "store = open_store(sys.argv[1], daemon=True); take(store, n=5)\n"
        "print('up', flush=True); sys.stdin.read(); store.close()"
    )
    arguments = [sys.executable, "-c", code, str(campaign)]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as daemon:
        assert daemon.stdout.readline() == "up\n"
        rows = list(csv.DictReader(io.StringIO(command("report", "1").out[1:])))
        daemon.communicate()
    assert daemon.returncode == 0
    assert [row["state"] for row in rows[:7]] == ["done", *["claimed"] * 5, "ready"]


def test_what_cannot_be(campaign, command, tmp_path):
    done = command("report", "summer")
    assert (done.code, done.err) == (1, "error: there is no campaign named 'summer'\n")
    done = command("report", "1", "--data", str(tmp_path / "nowhere"))
    assert done.code == 1
    assert "there is no store in" in done.err
    done = command("report", "1", "--file", str(tmp_path / "no" / "folder.csv"))
    assert done.code == 1
    assert "folder.csv: No such file or directory" in done.err
    assert command("report", "1", "-o", "xml").code == 2
    assert campaign.is_dir()


def test_a_full_disk_leaves_no_half_report(campaign, command, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)]
    made = subprocess.run(mount, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.fail(f"this test mounts a tmpfs and must run as root: {made.stderr}")
    try:
        (small / "out.csv").write_text("the last one")
        done = command("report", "1", "--file", str(small / "out.csv"), "--data", str(campaign))
        assert done.code == 1
        assert "out.csv: No space left on device" in done.err
        assert [path.name for path in small.iterdir()] == ["out.csv"]
        assert (small / "out.csv").read_text() == "the last one"
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=True)


MEMORY = """
import sys
from datetime import UTC
from dialerd.store import open_store
from dialerd.store.report import csv_pieces, json_pieces
def anonymous():  # what is ours; pages of the store itself are mapped from its file
    lines = open('/proc/self/status').read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith('RssAnon'))
store = open_store(sys.argv[1])
for make in (csv_pieces, json_pieces):
    pieces = make(store, 1, UTC)
    size = sum(len(next(pieces)) for _ in range(10))
    before = anonymous()
    grown = 0
    for piece in pieces:
        size += len(piece)
        grown = max(grown, anonymous() - before)
    print(size // 1024, grown)
store.close()
"""


def test_a_long_report_does_not_grow_memory(tmp_path):
    """What the last 25,000 rows add, in KiB, beside what they weigh."""
    store = open_store(tmp_path)
    running(store, filled_list(store, "a", people(30_000)))
    assert wait(store.apply([begin(claim.attempt_id) for claim in take(store, n=500)])) == ()
    store.close()
    command = [sys.executable, "-c", MEMORY, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        size_kib, grown_kib = map(int, line.split())
        assert size_kib > 1_500
        assert grown_kib < 512
