"""The command line as a whole: exit codes, one clear line, nothing imported for --help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from dialerd.cli import main
from dialerd.cli.errors import FailedError, describe
from dialerd.core.control import Conflict, FieldFault, Invalid
from dialerd.core.ports import StoreError

ROOT = Path(__file__).resolve().parents[2]


def shell(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dialerd", *args],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_help_lists_every_command_and_imports_none() -> None:
    code = (
        "import sys\nfrom dialerd.cli.main import run\nrun(['--help'])\n"
        "print('LOADED', *sorted(m for m in sys.modules if m.split('.')[0] in "
        "('asyncio','msgspec','rich','aiohttp','numpy','lmdb','uvloop','fastpath','msgpack')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "LOADED"
    for name in main.COMMANDS:
        assert f"\n  {name} " in done.stdout


def test_version() -> None:
    done = shell("--version")
    assert done.stdout.startswith("dialerd 0.")
    assert done.returncode == 0


def test_usage_errors(command) -> None:
    assert command("statu").code == main.USAGE
    assert "Did you mean 'status'?" in command("statu").err
    assert command("--nonsense").code == main.USAGE
    assert command("campaign", "show").code == main.USAGE
    assert command("status", "-o", "xml").code == main.USAGE
    assert command("zzz").err.count("Did you mean") == 0


def test_no_arguments_show_the_help(command) -> None:
    done = command()
    assert "Commands:" in done.out + done.err


def test_a_bad_configuration_is_code_3(config: Path, command) -> None:
    config.write_text("[sip]\nprot = 1\n")
    done = command("status")
    assert done.code == main.CONFIG
    assert f"{config}:2:1" in done.err
    assert "did you mean 'port'?" in done.err
    assert command("status", "-c", "none.toml").code == main.CONFIG


def test_no_daemon_is_code_4(command) -> None:
    for words in (
        ["status"],
        ["campaign", "ls"],
        ["campaign", "start", "x"],
        ["list", "ls"],
        ["drain"],
        ["stop"],
        ["emergency-stop"],
    ):
        done = command(*words)
        assert done.code == main.UNREACHABLE
        assert "no daemon is running" in done.err
        assert done.err.endswith("; `dialerd run` starts one\n")
        assert len(done.err.splitlines()) == 1
        assert done.out == ""


def test_no_traceback_unless_asked(config: Path) -> None:
    broken = "raise ValueError('inside')"
    code = (
        "import sys, dialerd.cli.operate as o, dialerd.cli.main as m\n"
        f"def bad(*a): {broken}\no.connect = bad\nsys.exit(m.run(['status']))"
    )
    for debug, shown in (("", False), ("1", True)):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "DIALERD_DEBUG": debug},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == main.FAILED
        assert ("Traceback" in done.stderr) == shown
        assert "inside" in done.stderr


def test_a_reader_that_leaves_early_is_no_error() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m dialerd --help | true"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0


def test_interrupted(command, monkeypatch: pytest.MonkeyPatch) -> None:
    import dialerd.cli.operate

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(dialerd.cli.operate, "connect", interrupt)
    done = command("status")
    assert done.code == main.INTERRUPTED
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (Conflict("no", allowed=("approve", "finish")), "allowed now: approve, finish"),
        (StoreError("the disk is full"), "error: the disk is full"),
        (FailedError("no"), "error: no"),
        (PermissionError(13, "Permission denied", "/x"), "error: /x: Permission denied"),
        (MemoryError(), "out of memory"),
        (RuntimeError("odd"), "RuntimeError: odd"),
        (
            Invalid("a; b", faults=(FieldFault("a", "/x"), FieldFault("b", "/y"))),
            "/x: a\n  /y: b",
        ),
    ],
)
def test_what_errors_say(error: Exception, text: str) -> None:
    code, said = describe(error)
    assert code == main.FAILED
    assert text in said


def test_commands_of_this_file_load() -> None:
    ctx = click.Context(main.cli)
    for name in ("run", "check-config", "campaign", "status", "list", "drain", "stop", "token"):
        found = main.cli.get_command(ctx, name)
        assert found is not None
        assert found.name == name


def test_check_config(config: Path, command) -> None:
    done = command("check-config")
    assert done.code == 0
    assert "0 trunks, 0 channels" in done.out
    done = command("check-config", "--json")
    assert '"ok":true' in done.out
    (config.parent / "m1-at").touch()
    config.write_text(f'[[bank]]\nname = "sims"\nslots = "{config.parent}/*-at"\n')
    assert "0 trunks, 0 channels, 1 bank (1 port there now)" in command("check-config").out
    config.write_text('[[trunk]]\nname = "a"\nhost = "h"\nusername = "u"\npassword = "hunter22"\n')
    config.chmod(0o600)
    assert "hunter22" not in command("check-config", "--json").out
    assert command("run", "--check").code == 0
    config.write_text("[sip]\nport = 0\n[log]\nlevl = 1\n")
    done = command("check-config", "-o", "json")
    assert done.code == main.CONFIG
    assert '"line":2,"column":8' in done.out
    assert '"line":4,"column":1' in done.out
    assert command("check-config").code == main.CONFIG


@pytest.mark.parametrize(
    ("text", "place"),
    [('[dtmf]\ngap_ms = "soon"\n', ":2:"), ("[dtmf\n", ":1:"), ("", ":1:")],
    ids=["type", "TOML", "empty"],
)
def test_check_config_reads_the_dialects_too(config: Path, command, text: str, place: str) -> None:
    folder = config.parent / "own"
    folder.mkdir()
    (folder / "mine.toml").write_text(text)
    config.write_text('[[bank]]\nname = "sims"\nslots = "/dev/no*"\ndialects = "own"\n')
    for verb in (("check-config",), ("run", "--check")):
        done = command(*verb)
        assert (done.code, done.out) == (main.CONFIG, "")
        assert f"mine.toml{place}" in done.err
    found = json.loads(command("check-config", "-o", "json").out)
    assert not found["ok"]
    assert found["findings"][0]["file"] == str(folder / "mine.toml")


@pytest.mark.parametrize("transport", ["sctp", "WS", "udp2"])
def test_a_call_over_what_is_not_spoken_is_refused(
    transport: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["call", f"sip:100@127.0.0.1:9;x=1;transport={transport}"]) == main.USAGE
    assert f"{transport.lower()} is not spoken" in capsys.readouterr().err


def test_a_call_does_not_record_over_what_it_plays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = tmp_path / "a.wav"
    sound.write_bytes(b"RIFF")
    (tmp_path / "b.wav").symlink_to(sound)
    for name in ("a.wav", "b.wav"):
        words = ["call", "sip:100@127.0.0.1:9", "--play", str(sound)]
        assert main.run([*words, "--record", str(tmp_path / name)]) == main.USAGE
        assert "it is the file that is played" in capsys.readouterr().err
        other = ["--play", str(tmp_path / "none.wav")]
        assert main.run([*words, *other, "--record", str(tmp_path / name)]) == main.USAGE
        assert "it is the file that is played" in capsys.readouterr().err
    assert sound.read_bytes() == b"RIFF"
    assert main.run([*words, *(["--play", str(sound)] * 128)]) == main.USAGE
    assert "at most 128 are played" in capsys.readouterr().err
