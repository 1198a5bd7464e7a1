"""Every fault of a configuration names its place; a right one loads whole."""

from __future__ import annotations

import re
import subprocess
import sys
import typing
from pathlib import Path

import msgspec
import pytest

from dialerd import config as conf
from dialerd.config import Config, ConfigError, load
from dialerd.core import control

ROOT = Path(__file__).resolve().parents[2]
HEADER = r"^(?:# )?\[(?!live\]|drain\]|restart\])"  # of a table, not a key's nature


def fault(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value)


def test_defaults_load(write) -> None:
    loaded = load(write(""))
    assert loaded.sip.port == 5060
    assert loaded.admin.bind == "127.0.0.1"
    assert loaded.media.prompts.is_absolute()


def test_paths_are_relative_to_the_file(write, tmp_path: Path) -> None:
    loaded = load(write('[store]\npath = "../x/data"\n[control]\nsocket = "c.sock"\n'))
    assert loaded.store.path == tmp_path.parent / "x" / "data"
    assert loaded.control.socket == tmp_path / "c.sock"


CASES = {
    "unknown key": (
        '[store]\npth = "x"',
        ":3:1",
        "unknown key 'pth' in [store]",
        "did you mean 'path'?",
    ),
    "unknown table": ("[sipp]\n", ":2:2", "unknown key 'sipp' in the file", "did you mean 'sip'?"),
    "type": ('[sip]\nport = "5060"', ":3:8", "must be a whole number, got a text ('5060')", ""),
    "bool is no number": ("[sip]\nport = true", ":3:8", "must be a whole number, got true", ""),
    "range": ("[sip]\n  port = 70000", ":3:10", "must be 65535 or less, got 70000", ""),
    "zero rate": ("[dialing]\ncalls_per_s_max = 0", ":3:19", "must be above 0.0, got 0", ""),
    "nan": ("[dialing]\ncalls_per_s_max = nan", ":3:19", "calls_per_s_max", ""),
    "enum": ('[log]\nlevel = "warn"', ":3:9", "cannot be 'warn'", "did you mean 'warning'?"),
    "date": ("[log]\nlevel = 2026-01-01", ":3:9", "'level' must be", ""),
    "second trunk": (
        '[[trunk]]\nname = "a"\nhost = "h"\n[[trunk]]\nname = "b"\nhost = "h"\nport = "x"',
        ":8:8",
        "must be a whole number",
        "",
    ),
    "inline table": (
        "sip = { port = 1,  prot = 2 }",
        ":2:20",
        "unknown key 'prot' in [sip]",
        "did you mean 'port'?",
    ),
    "dotted": ("sip.port = 0", ":2:12", "must be 1 or more, got 0", ""),
    "inline array of tables": (
        'trunk = [{ name = "a", host = "h" }, { name = "b", host = "h", weight = 0 }]',
        ":2:73",
        "must be 1 or more",
        "",
    ),
    "list element": (
        '[numbering2]\n[[trunk]]\nname="t"\nhost="h"\nprefixes = ["84", "0x"]',
        ":6:19",
        "cannot be '0x'",
        "E.164",
    ),
    "required": ('[[trunk]]\nname = "a"\n', ":2:3", "[[trunk]] number 1 needs the key 'host'", ""),
    "not a table": ("sip = 3", ":2:7", "must be a table, got a whole number (3)", ""),
    "syntax": ("[sip]\nport = yes", ":3:8", "not valid TOML", "quotes"),
    "twice": ("[sip]\nport = 1\nport = 2\n[log]", ":4", "not valid TOML", "twice"),
    "newline in a name": (
        '[[trunk]]\nname = "a\\nb"\nhost = "h"',
        ":3:8",
        "cannot be 'a\\nb'",
        "letters",
    ),
    "crlf in a header": ('[sip]\nuser_agent = "x\\r\\nVia: y"', ":3:14", "cannot be", "printable"),
    "zone": ('[dialing]\nzone = "Mars/Base"', ":3:8", "unknown time zone", "+07:00"),
    "ports": ("[media]\nport_low = 30000\nport_high = 30000", ":4:13", "above port_low", "30000"),
    "sip in rtp": ("[sip]\nport = 20010", ":3:8", "inside the RTP port range", ""),
    "sip in rtp of any address": (
        '[sip]\nadvertised = "192.0.2.1"\nbind = "0.0.0.0"\nport = 20010',
        ":5:8",
        "inside the RTP port range 20000-29999",
        "port_low",
    ),
    "wildcard": ('[sip]\nbind = "0.0.0.0"', ":3:8", "no address to show", "advertised"),
    "open admin": ('[admin]\nbind = "0.0.0.0"', ":3:8", "loopback only", "proxy"),
    "loopback trunk": (
        '[[trunk]]\nname = "a"\nhost = "192.0.2.1"\nloopback = true',
        ":4:8",
        "must have a loopback address",
        "",
    ),
    "same name": (
        '[[trunk]]\nname = "a"\nhost = "h"\n[[trunk]]\nname = "a"\nhost = "h"',
        ":6:8",
        "two trunks are named 'a'",
        "number 1",
    ),
    "env": (
        '[[trunk]]\nname = "${env:DIALERD_NO_SUCH}"\nhost = "h"',
        ":3:8",
        "DIALERD_NO_SUCH is not set",
        "",
    ),
    "substitution": (
        '[log]\nlevel = "${file:x}"',
        ":3:9",
        "not a known substitution",
        "${env:NAME}",
    ),
    "socket path": (
        '[control]\nsocket = "' + "x" * 120 + '"',
        ":3:10",
        "longer than 107 bytes",
        "",
    ),
    "password alone": (
        '[[trunk]]\nname = "a"\nhost = "h"\npassword = "p"',
        ":5:12",
        "without a username",
        "",
    ),
    "codec twice": (
        '[[trunk]]\nname = "a"\nhost = "h"\ncodecs = ["PCMU", "PCMU"]',
        ":5:10",
        "stands twice",
        "",
    ),
    "a bind that is a name": ('[media]\nbind = "localhost"', ":3:8", "no IP address", ""),
    "itself": (
        '[sip]\nport = 5070\n[[trunk]]\nname = "a"\nhost = "127.0.0.1"\nport = 5070',
        ":7:8",
        "dialerd's own socket",
        "",
    ),
    "one pair of brackets": (
        '[trunk]\nname = "a"\nhost = "h"',
        ":2:2",
        "'trunk' must be a list, got a table",
        "write [[trunk]]",
    ),
    "prompts": (
        '[media]\nprompts = "not-there"',
        ":3:11",
        "there is no folder",
        "",
    ),
    "nul in a path": ('[store]\npath = "a\\u0000b"', ":3:8", "'path'", ""),
}


@pytest.mark.parametrize("name", CASES)
def test_fault(write, name: str) -> None:
    text, place, message, hint = CASES[name]
    path = write(text)
    shown = fault(path)
    assert f"{path}{place}" in shown
    assert message in shown
    assert hint in shown
    if not place.endswith(":4"):
        caret = shown.index("^", shown.index(place)) - (
            shown.rindex("\n", 0, shown.index("^", shown.index(place))) + 1
        )
        assert caret - len("   | ") == int(place.split(":")[-1]) - 1


def test_a_carrier_that_the_plan_does_not_have(write, tmp_path: Path) -> None:
    plan = (ROOT / "conf" / "numbering" / "vn.toml").read_text()
    trunk = '[[trunk]]\nname = "a"\nhost = "h"\ncarriers = ["mobifone", "vietel"]\n'
    (tmp_path / "plan.toml").write_text(plan)
    shown = fault(write(trunk))
    assert ":5:25" in shown
    assert "did you mean 'viettel'?" in shown
    for unreadable in ("", "x", "mobile = 3", '[[mobile.carrier]]\nprefixes = ["086"]\n'):
        (tmp_path / "plan.toml").write_text(unreadable)
        assert load(write(trunk)).trunk[0].carriers[1] == "vietel"


def test_all_faults_are_printed_in_the_order_of_the_file(write) -> None:
    path = write('[sip]\nport = 0\nbnd = "x"\n[log]\nlevel = "loud"\n[media]\nthreads = -1\n')
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert [found.line for found in caught.value.findings] == [3, 4, 6, 8]
    assert [found.key for found in caught.value.findings] == [
        "sip.port",
        "sip.bnd",
        "log.level",
        "media.threads",
    ]
    assert str(caught.value).count("error:") == 4


def test_a_thousand_faults_are_cut_short(write) -> None:
    shown = fault(write("".join(f"k{i} = 1\n" for i in range(1000))))
    assert "and 980 more" in shown
    assert len(shown) < 20_000


def test_unreadable_missing_and_huge(tmp_path: Path) -> None:
    assert "No such file" in fault(tmp_path / "none.toml")
    assert "cannot read" in fault(tmp_path)
    endless = tmp_path / "endless.toml"
    endless.write_text("[sip]\nport = " + "9" * 5_000)
    assert "endless.toml:2:8" in (shown := fault(endless))
    assert "too many digits" in shown
    huge = tmp_path / "huge.toml"
    huge.write_bytes(b"#" * (2 << 20))
    assert "larger than 1024 KiB" in fault(huge)
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"# a\n# caf\xe9\n")
    assert f"{latin}:2:6" in fault(latin)
    deep = tmp_path / "deep.toml"
    deep.write_text("a = " + "[" * 5000)
    assert "nested too deeply" in fault(deep)


def test_bom_and_crlf_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "w.toml"
    (tmp_path / "plan.toml").write_text("")
    path.write_bytes(b'\xef\xbb\xbfnumbering = { plan = "plan.toml" }\r\n[sip]\r\nport = 5070\r\n')
    assert load(path).sip.port == 5070


def test_a_fault_shows_no_terminal_escape(write) -> None:
    shown = fault(write('[log]\n"l\\u001b[31m" = "\u202e"\n'))
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_long_lines_are_cut_around_the_fault(write) -> None:
    shown = fault(write("sip = { port = 0, user_agent = '" + "x" * 3000 + "' }"))
    assert max(len(line) for line in shown.splitlines()) < 200


def inner_table(kind: typing.Any) -> type[msgspec.Struct] | None:
    """The struct of a field that is a table or an array of tables."""
    if typing.get_origin(kind) is typing.Annotated:
        kind = typing.get_args(kind)[0]
    if typing.get_origin(kind) is tuple:
        kind = typing.get_args(kind)[0]
    is_table = isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    return kind if is_table else None


class TestShippedFile:
    TEXT = (ROOT / "conf" / "dialerd.toml").read_text()

    def test_generated_files_are_fresh(self) -> None:
        done = subprocess.run(
            [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def sections(
        self, parent: type[msgspec.Struct] = Config, prefix: str = ""
    ) -> list[tuple[str, type[msgspec.Struct]]]:
        found = []
        for field in msgspec.structs.fields(parent):
            kind = inner_table(field.type)
            if kind is not None:
                found.append((prefix + field.name, kind))
                found += self.sections(kind, f"{prefix}{field.name}.")
        return found

    def test_every_field_stands_in_it_and_in_the_reference(self) -> None:
        reference = (ROOT / "docs" / "reference" / "config.md").read_text()
        for name, kind in self.sections():
            shipped = re.split(HEADER, self.TEXT.split(f"[{name}]", 1)[1], maxsplit=1, flags=re.M)[
                0
            ]
            documented = reference.split(f"[{name}]", 1)[1].split("\n## ", 1)[0]
            for field in msgspec.structs.fields(kind):
                if inner_table(field.type) is not None:
                    continue
                assert re.search(rf"^(# )?{field.name} = ", shipped, re.M), (name, field.name)
                assert f"| `{field.name}` |" in documented, (name, field.name)

    def test_every_comment_key_is_right_when_switched_on(
        self, write, tmp_path: Path, monkeypatch
    ) -> None:
        """The commented lines are real TOML that the loader accepts."""
        monkeypatch.setenv("CARRIER_PASSWORD", "x")
        monkeypatch.setenv("HEP_KEY", "x")
        text = re.sub(rf"^# ([a-z0-9_]+ = |{HEADER[1:]})", r"\1", self.TEXT, flags=re.M)
        files = "password_file|pin_file|plan|prompts|certificate|key|ca|users|dialects"
        text = re.sub(rf'^({files}) = .*\n|^host = "127.*\n', "", text, flags=re.M)
        text = text.replace('name = "loopback"', 'name = "loopback"\nhost = "127.0.0.1"')
        path = tmp_path / "all.toml"
        (tmp_path / "plan.toml").write_text("")
        path.write_text(text.replace("[numbering]", '[numbering]\nplan = "plan.toml"'))
        path.chmod(0o600)
        loaded = load(path)
        trunk = loaded.trunk[0]
        assert trunk.carriers == ("viettel",)
        assert trunk.headers == {"X-Line": "{account}"}
        assert trunk.ports[0].labels() == list("12345678")
        assert str(trunk.ports[0].plan.since) == "2026-11-01"
        assert loaded.sip.listen[0].port_now == 5060
        assert [bank.name for bank in loaded.bank] == ["sims"]

    def test_it_loads(self) -> None:
        loaded = load(ROOT / "conf" / "dialerd.toml")
        assert [trunk.name for trunk in loaded.trunk] == ["loopback"]
        assert loaded.store.path == ROOT / "data"


@pytest.mark.parametrize(("text", "minutes"), [("+07:00", 420), ("-03:30", -210), ("UTC", 0)])
def test_zone(text: str, minutes: int) -> None:
    from datetime import UTC, datetime

    offset = datetime(2026, 1, 1, tzinfo=UTC).astimezone(conf.parse_zone(text)).utcoffset()
    assert offset is not None
    assert offset.total_seconds() == minutes * 60


@pytest.mark.parametrize("text", ["+24:00", "+07:60", "../../etc/passwd", "", "X/Y", "+7"])
def test_bad_zone(text: str) -> None:
    with pytest.raises(ValueError, match=r"zone|offset"):
        conf.parse_zone(text)


def test_find_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIALERD_CONFIG", raising=False)
    assert conf.find_config("x.toml") == Path("x.toml")
    with pytest.raises(ConfigError, match="no configuration"):
        conf.find_config()
    monkeypatch.setenv("DIALERD_CONFIG", "y.toml")
    assert conf.find_config() == Path("y.toml")
    monkeypatch.delenv("DIALERD_CONFIG")
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "dialerd.toml").write_text("")
    assert conf.find_config() == Path("conf/dialerd.toml")


def patterns(kind: object) -> list[str]:
    """Every pattern in a type, however deep."""
    found: list[str] = []
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for field in msgspec.structs.fields(kind):
            found += patterns(field.type)
    for meta in getattr(kind, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.pattern:
            found.append(meta.pattern)
    for inner in typing.get_args(kind):
        found += patterns(inner)
    return found


@pytest.mark.parametrize(
    "kind", [Config, control.CreateCampaign, control.ActOnCampaign, control.Subscribe]
)
def test_no_pattern_lets_a_line_feed_pass(kind: type[msgspec.Struct]) -> None:
    """In Python `$` matches before a last line feed, too."""
    found = patterns(kind)
    assert found
    for pattern in found:
        assert len(re.findall(r"\$", pattern.replace("&$", ""))) == pattern.count("$(?!\\n)")
        for text in ("a\n", "1\n", "08:00\n", "\n", "a/b\n"):
            assert re.search(pattern, text) is None, (pattern, text)
