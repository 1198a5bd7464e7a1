"""Campaigns from the command line, against a daemon on a real socket."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from dialerd.cli import checkup_config as named
from dialerd.cli import main, spec_flags
from dialerd.cli.checkup import Level
from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.control import DaemonState
from dialerd.store.doubt import RunNote
from dialerd.store.folder import LOCK_NAME
from dialerd.toml_load import read
from tests.control.desk import Booth

ROOT = Path(__file__).resolve().parents[2]
CREATE = ("campaign", "create", "Khảo sát", "--list", "people", "--prompt", "hello")
LOOPBACK = (*CREATE, "--regime", "loopback")


def test_the_whole_life(daemon: Booth, command) -> None:
    done = command(*LOOPBACK, "--key", "1=thanks", "--key", "0=end", "--cap", "1/30d")
    assert done.code == 0, done.err
    assert done.out == "Khảo sát (id 1) is draft\n"
    assert "approve it: dialerd campaign approve 'Khảo sát'" in done.err

    done = command("campaign", "start", "Khảo sát")
    assert done.code == main.FAILED
    assert "allowed now: approve" in done.err
    assert done.err.startswith("error: cannot start a draft campaign")

    assert command("campaign", "approve", "1").code == 0
    done = command("campaign", "pause", "1")
    assert done.err.startswith("error: cannot pause an approved campaign; allowed now: start")

    for action, state in (
        ("start", "running"),
        ("pause", "paused"),
        ("resume", "running"),
    ):
        done = command("campaign", action, "1")
        assert done.code == 0
        assert f"is {state}" in done.out

    done = command("campaign", "ls")
    assert "Khảo sát" in done.out
    assert "no trunk is up" in done.out
    shown = json.loads(command("campaign", "show", "1", "--json").out)
    assert shown["campaign"]["state"] == "running"
    assert shown["campaign"]["spec"]["steps"][0]["keys"] == {"1": "key-1", "0": "end"}
    assert shown["progress"]["leads"]["ready"] == 3
    text = command("campaign", "show", "1").out
    assert "start: plays hello; 1 to key-1, 0 to end" in text
    assert "allowed: pause, finish" in text

    assert command("campaign", "finish", "1").code == 0
    moves = json.loads(command("campaign", "log", "1", "-o", "json").out)
    assert [m["after"] for m in moves][-2:] == ["running", "finished"]
    assert all(m["who"] for m in moves)
    assert "finished" in command("campaign", "log", "1").out
    assert command("campaign", "start", "1").code == main.FAILED


def test_from_a_file(daemon: Booth, command, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        'name = "Tết"\nlist = "people"\nregime = "vn-care"\n'
        'hours = [{ start = "08:00", end = "11:30", days = ["mon", "sat"] }]\n'
        "start_at = 2026-12-01T08:00:00+07:00\n"
        '[[steps]]\nprompt = "vi/chao"\n'
    )
    done = command("campaign", "create", "--file", str(path), "--json")
    assert done.code == 0, done.err
    made = json.loads(done.out)
    assert made["spec"]["hours"][0]["days"] == ["mon", "sat"]
    assert made["spec"]["start_at"] == "2026-12-01T01:00:00Z"


def test_faults_of_a_file_name_their_line(daemon: Booth, command, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        'name = "x"\nlist = "people"\nregime = "loopback"\n'
        '[[steps]]\nprompt = "hello"\nkeys = { 1 = "nowhere", X = "start" }\n'
    )
    done = command("campaign", "create", "--file", str(path))
    assert done.code == main.CONFIG
    assert f"{path}:6:25" in done.err
    path.write_text(path.read_text().replace(', X = "start"', ""))
    done = command("campaign", "create", "--file", str(path))
    assert f"{path}:6:14" in done.err
    assert "there is no step 'nowhere'" in done.err


def test_the_example_file_is_right() -> None:
    spec = read(ROOT / "conf" / "campaigns" / "reminder.toml", CampaignSpec)
    assert len(spec.hours) == 2
    assert spec.steps[0].keys == {"1": "details", "0": "end"}


def test_what_the_daemon_refuses(daemon: Booth, command) -> None:
    wrong_list = [word.replace("people", "nobody") for word in LOOPBACK]
    done = command(*wrong_list)
    assert done.code == main.FAILED
    assert "nobody" in done.err
    done = command(*[word.replace("hello", "no-such") for word in LOOPBACK], "--hours", "8:00-9:00")
    assert done.code == main.FAILED
    assert "there is no prompt 'no-such'" in done.err
    assert command(*LOOPBACK).code == 0
    done = command(*LOOPBACK)
    assert done.code == main.FAILED
    assert "Khảo sát" in done.err
    assert command("campaign", "show", "none").code == main.FAILED


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--attempts", "0"], "--attempts: must be 1 or more"),
        (["--attempts", "x"], "'--attempts'"),
        (["--rate", "-1"], "--rate: must be 0.0 or more"),
        (["--key", "1"], "--key: '1' is not DIGIT=PROMPT"),
        (["--key", "1=a", "--key", "1=b"], "the digit 1 is given twice"),
        (["--key", "x=a"], "--prompt / --key"),
        (["--hours", "25:00-26:00"], "--hours: a time is HH:MM"),
        (["--hours", "8-9"], "--hours: '8-9' is no window"),
        (["--hours", "someday 08:00-09:00"], "days are mon, tue"),
        (["--cap", "3"], "--cap: '3' is no cap"),
        (["--cap", "1/fortnight"], "--cap: 'fortnight' is no duration"),
        (["--cap", "0/1d"], "--cap: must be 1 or more"),
        (["--retry-gap", "1 week"], "--retry-gap"),
        (["--start", "tomorrow"], "--start: 'tomorrow' is no time"),
        (["--caller-id", "+84\n"], "--caller-id: digits"),
        (["--ring", "1"], "--ring: must be 5 or more"),
    ],
)
def test_wrong_flags(command, flags: list[str], said: str) -> None:
    done = command(*LOOPBACK, *flags)
    assert done.code == main.USAGE
    assert said in done.err


def test_missing_and_mixed(command) -> None:
    assert "missing: --regime" in command(*CREATE).err
    assert command(*CREATE).code == main.USAGE
    done = command(*LOOPBACK, "--file", "x.toml")
    assert done.code == main.USAGE
    assert "leave NAME and the flags away" in done.err
    done = command("campaign", "create", "123", *LOOPBACK[3:])
    assert "not digits alone" in done.err


def test_hours_in_words() -> None:
    assert spec_flags.hours("8:00-17:00") == {"start": "08:00", "end": "17:00"}
    assert spec_flags.hours("fri-mon 08:00 - 09:00")["days"] == ["fri", "sat", "sun", "mon"]
    assert spec_flags.hours("mon-wed,tue,sun 08:00-09:00")["days"] == ["mon", "tue", "wed", "sun"]


def test_two_keys_may_lead_to_one_prompt() -> None:
    found = spec_flags.steps("a", ("1=b", "2=b", "3=end"), "2s")
    assert [step["id"] for step in found] == ["start", "key-1"]
    assert found[0]["keys"] == {"1": "key-1", "2": "key-1", "3": "end"}
    assert found[0]["wait_ms"] == 2000


def test_times_are_of_the_configured_zone_unless_they_say_so() -> None:
    zone = timezone(timedelta(hours=7))
    wanted = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    for text in ("2026-11-23 08:00", "2026-11-23T08:00+07:00", "2026-11-23T03:00+02:00"):
        assert datetime.fromisoformat(spec_flags.moment(text, "--start", zone)) == wanted


def test_times_are_shown_in_the_configured_zone(daemon: Booth, command, config: Path) -> None:
    since = datetime.fromisoformat(json.loads(command("status", "--json").out)["started_at"])
    for offset in (-3, 9):
        config.write_text(
            '[store]\npath = "data"\n[control]\nsocket = "control.sock"\n'
            f'[dialing]\nzone = "{offset:+03d}:00"\n'
        )
        local = since.astimezone(timezone(timedelta(hours=offset)))
        assert f"since      {local.isoformat(' ', 'seconds')}\n" in command("status").out


def test_spans_are_shown_as_they_are_typed(daemon: Booth, command) -> None:
    flags = ["--list", "people", "--prompt", "hello", "--regime", "loopback"]
    assert command("campaign", "create", "spans", *flags, "--cap", "2/30d").code == 0
    shown = command("campaign", "show", "spans").out
    assert "cap              2/30d, heard\n" in shown
    assert "attempts         1\n" in shown
    flags += ["--cap", "3/36h", "--attempts", "3", "--retry-gap", "90m"]
    assert command("campaign", "create", "more", *flags).code == 0
    shown = command("campaign", "show", "more").out
    assert "cap              3/36h, heard\n" in shown
    assert "attempts         3, 90m apart\n" in shown


def test_status_lists_and_stops(daemon: Booth, command) -> None:
    done = command("status")
    assert "state      running" in done.out
    assert json.loads(command("status", "--json").out)["counters"] == {"sip.sent": 3}
    assert "calls of before" not in done.out
    daemon.desk.counters |= {"old_calls_found": 500.0, "old_calls_left": 20.0}
    assert "calls of before  480 of 500 ended\n" in command("status").out
    daemon.desk.counters |= {
        "store_examining": 1.0,
        "store_examined_part": 0.42,
        "store_claims_wait": 1.0,
    }
    shown = "store            examined after a crash, 42%: no lead is claimed until that is done\n"
    assert shown in command("status").out
    daemon.desk.counters["store_claims_wait"] = 0.0
    assert "the rest is read beside calls\n" in command("status").out
    found, pong = named.control(daemon.path)
    assert (found.level, pong is not None) == (Level.WARN, True)
    assert "its store is examined after a crash, 42%" in found.text
    assert "people" in command("list", "ls").out
    assert json.loads(command("list", "ls", "-o", "json").out)[0]["size"] == 3
    assert command(*LOOPBACK).code == 0
    for action in ("approve", "start"):
        command("campaign", action, "1")
    done = command("emergency-stop", "--let-calls-end")
    assert done.out == "stopped: 7 calls were in flight\npaused: Khảo sát\n"
    assert daemon.desk.state is DaemonState.HALTED
    assert not daemon.desk.hung_up
    assert command("drain", "--hang-up").out == "draining: 7 calls in flight\n"
    assert daemon.desk.hung_up
    assert command("stop").out == "stopping: 7 calls in flight\n"


def test_nothing_of_a_name_reaches_the_terminal_as_a_command(daemon: Booth, command) -> None:
    shutil.get_terminal_size()
    done = command("campaign", "create", "a\u202eb", *LOOPBACK[3:])
    assert "\u202e" not in done.out + command("campaign", "ls").out
    assert command("campaign", "create", "a\x1b[31m", *LOOPBACK[3:]).code == main.USAGE


def test_no_color(daemon: Booth, command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in command("campaign", "ls").out


def test_status_says_that_the_store_is_examined_before_it_is_opened(config, command) -> None:
    data = config.parent / "data"
    data.mkdir()
    RunNote(data, "another boot").write(vouched=True)
    (data / LOCK_NAME).write_text("")
    assert "no daemon is running" in command("status").err
    waits = [sys.executable, "-c", "import sys; sys.stdin.read()", "dialerd"]
    with subprocess.Popen(waits, stdin=subprocess.PIPE) as there:
        (data / LOCK_NAME).write_text(f"{there.pid}\n")
        done = command("status")
        RunNote(data).write(vouched=True)  # one that only went down itself is opened at once
        assert "no daemon is running" in command("status").err
    says = f"the daemon (pid {there.pid}) is examining the store before it is opened"
    assert (done.code, says in done.err) == (main.UNREACHABLE, True)
