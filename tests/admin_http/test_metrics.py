"""Metrics as Prometheus reads them; board and alert rules use only what is there."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from admin_http.hooks.records import Webhook
from admin_http.measures import COUNTERS, GAUGES, SERIES_MAX, Measures, Seen, of_webhooks
from dialerd.core.agents_view import AgentList, TeamInfo
from dialerd.core.control import DaemonState, Status, TrunkStatus
from dialerd.core.lines_view import TrunkList
from dialerd.core.ports_view import ModemPort, PortList
from dialerd.core.records import Outcome
from dialerd.shell.loop_lag import LoopLag
from dialerd.shell.trunk_view import trunk_info
from tests.admin_http.site import Site, site
from tests.control.desk import FPT

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "conf/prometheus/alerts.yml"
BOARD = ROOT / "conf/grafana/dialerd.json"
NAME = re.compile(r"\b(?:dialerd|process)_[a-z0-9_]+\b")
AT = datetime(2026, 11, 2, 8, tzinfo=UTC)


def blank(kind: type[msgspec.Struct], **given: Any) -> Any:
    """A struct with nothing in it but what is given."""
    empty: dict[Any, Any] = {int: 0, float: 0.0, str: "", bool: False, bytes: b"", datetime: AT}
    found = {
        field.name: empty.get(field.type)
        for field in msgspec.structs.fields(kind)
        if field.required
    }
    return kind(**(found | given))


def team(name: str) -> TeamInfo:
    return msgspec.structs.replace(blank(TeamInfo), campaign=name, ready=3, abandonment=0.02)


def full() -> Seen:
    lag = LoopLag()
    lag.count(0.003)
    lag.count(0.3)
    counters = {name: 1.0 for name, _, _ in (*COUNTERS, *GAUGES)}
    counters |= {f"rtp_lateness_us_{name}": 150.0 for name in ("p50", "p99", "p999", "max")}
    counters |= {"rtp_frames": 50.0, "rtp_late_le_1024_us": 48.0, "rtp_late_le_96_us": 40.0}
    counters |= {f"loop_{name}": value for name, value in lag.figures().items()}
    status = Status(
        version="0.1.0",
        pid=1,
        started_at=AT,
        now=AT,
        state=DaemonState.RUNNING,
        calls_in_flight=7,
        placed=40,
        outcomes={Outcome.ANSWERED: 9},
        trunks=(TrunkStatus(name="fpt", up=True, channels=30, in_use=2, placed=40),),
        counters=counters,
    )
    port = blank(ModemPort, bank="b1", slot="03", carrier="Viettel", ready=True, rssi_dbm=-71)
    return Seen(
        status,
        TrunkList(items=(trunk_info(FPT),)),
        PortList(items=(msgspec.structs.replace(port, balance=12_500.0),)),
        AgentList(items=(), teams=(team("autumn"),)),
    )


def read(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def page(seen: Seen) -> str:
    return generate_latest(Measures(seen)).decode()


def value(text: str, name: str, **labels: str) -> float:
    return read(text)[name, tuple(sorted(labels.items()))]


def test_what_the_daemon_says_is_on_the_page() -> None:
    text = page(full())
    assert value(text, "dialerd_up") == 1
    assert value(text, "dialerd_calls_in_flight") == 7
    assert value(text, "dialerd_attempts_total") == 40
    assert value(text, "dialerd_outcomes_total", outcome="answered") == 9
    assert value(text, "dialerd_outcomes_total", outcome="busy") == 0
    assert value(text, "dialerd_trunk_in_use", trunk="fpt") == 2
    assert value(text, "dialerd_trunk_resting", trunk="fpt") == 1
    here = {"bank": "b1", "slot": "03", "carrier": "Viettel"}
    assert value(text, "dialerd_port_signal_dbm", **here) == -71
    assert value(text, "dialerd_port_seconds_today", **here) == 0
    assert value(text, "dialerd_team_ready", campaign="autumn") == 3
    assert value(text, "dialerd_state", state="running") == 1
    assert value(text, "dialerd_media_lateness_seconds", part="0.999") == 150e-6
    bucket = "dialerd_core_loop_lag_seconds_bucket"
    assert [value(text, bucket, le=le) for le in ("0.002", "0.005", "0.2", "0.5", "+Inf")] == [
        0, 1, 1, 2, 2,
    ]  # fmt: skip
    assert value(text, "dialerd_core_loop_lag_seconds_count") == 2
    bucket = "dialerd_media_frame_lateness_seconds_bucket"
    assert [value(text, bucket, le=le) for le in ("9.6e-05", "0.001024", "+Inf")] == [40, 48, 50]


def test_a_daemon_that_is_away_is_said_so() -> None:
    found = read(page(Seen()))
    assert found == {("dialerd_up", ()): 0.0, ("dialerd_metrics_left_out", ()): 0.0}


def test_labels_are_bounded_and_what_is_left_out_is_counted() -> None:
    teams = tuple(team(f"c{n}") for n in range(SERIES_MAX + 7))
    found = read(page(Seen(agents=AgentList(items=(), teams=teams))))
    assert sum(name == "dialerd_team_ready" for name, _ in found) == SERIES_MAX
    assert found["dialerd_metrics_left_out", ()] == 7


def test_hostile_names_stay_inside_their_label() -> None:
    name = 'x"} 1\ndialerd_up 0\n\\'
    found = read(page(Seen(agents=AgentList(items=(), teams=(team(name),)))))
    assert found["dialerd_team_ready", (("campaign", name),)] == 3
    assert sum(key == "dialerd_up" for key, _ in found) == 1


def promtool(*arguments: str, text: str = "") -> str:
    done = subprocess.run(
        ["promtool", *arguments], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_finds_nothing_wrong_with_the_page() -> None:
    assert promtool("check", "metrics", text=page(full())) == ""


def test_the_alert_rules_are_rules() -> None:
    assert "rules found" in promtool("check", "rules", str(RULES))


def test_alerts_come_when_they_should_and_only_then(tmp_path: Path) -> None:
    def series(name: str, values: str) -> dict[str, str]:
        return {"series": name, "values": values}

    def alert(name: str, at: str, *, labels: dict[str, str] | None) -> dict[str, Any]:
        shown = [] if labels is None else [{"exp_labels": labels}]
        return {"eval_time": at, "alertname": name, "exp_alerts": shown}

    lagging = 'dialerd_core_loop_lag_seconds_bucket{{le="{}"}}'
    test = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    series("dialerd_up", "1x4 0x20"),
                    series('dialerd_trunk_up{trunk="fpt"}', "1x30"),
                    series('dialerd_trunk_up{trunk="cmc"}', "0x30"),
                    series(lagging.format("0.05"), "0+95x30"),
                    series(lagging.format("0.1"), "0+100x30"),
                    series(lagging.format("+Inf"), "0+100x30"),
                    series("dialerd_store_disk_free_bytes", "9e9x30"),
                ],
                "alert_rule_test": [
                    alert("DialerdDown", "4m", labels=None),
                    alert("DialerdTrunkDown", "1m", labels=None),
                ],
            }
        ],
    }
    file = tmp_path / "alerts_test.yml"
    file.write_text(json.dumps(test))  # which is YAML
    promtool("test", "rules", str(file))

    fires = test["tests"][0]  # type: ignore[index]
    fires["alert_rule_test"] = [  # type: ignore[index]
        alert("DialerdDiskFull", "20m", labels=None),
        alert("DialerdDown", "20m", labels=None),
    ]
    file.write_text(json.dumps(test))
    done = subprocess.run(
        ["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1  # it is down for a quarter of an hour, and that is told
    assert "DialerdDown" in done.stdout + done.stderr
    assert "DialerdDiskFull" not in done.stdout + done.stderr


def used_names() -> set[str]:
    board = json.loads(BOARD.read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    rules = [line for line in RULES.read_text().splitlines() if not line.startswith("#")]
    text = "\n".join((*expressions, *rules))
    return set(NAME.findall(text))


async def test_board_and_rules_use_only_what_is_shown(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        text = await metrics(s)
    shown = {name for name, _ in read(text)} | {name for name, _ in read(page(full()))}
    hook = blank(Webhook, name="crm", paused="by a person", tries=3, told=7)
    hooks = generate_latest(Measures(Seen(), of_webhooks([hook]))).decode()
    assert value(hooks, "dialerd_webhook_paused", webhook="crm") == 1
    assert value(hooks, "dialerd_webhook_told_total", webhook="crm") == 7
    shown |= {name for name, _ in read(hooks)}
    used = used_names()
    assert len(used) > 30
    assert used - shown == set()


async def metrics(s: Site) -> str:
    headers = {"Authorization": f"Bearer {s.secret}"}
    async with s.client.get("/v1/metrics", headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return await answer.text()


async def test_the_route_asks_the_daemon_and_tells_of_this_process(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        found = read(await metrics(s))
        assert found["dialerd_up", ()] == 1
        assert found["dialerd_trunk_resting", (("trunk", "fpt"),)] == 1
        assert found["process_resident_memory_bytes", ()] > 1e6
        await s.booth.server.close()
        assert read(await metrics(s))["dialerd_up", ()] == 0
