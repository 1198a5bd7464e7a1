"""The daemon's figures as Prometheus metrics: a table of names, and what has labels of its own.

Labels are names of things that a configuration or a list of campaigns bounds, and at most
`SERIES_MAX` of each kind are shown; what was left out is counted, never silently missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

import msgspec
from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)

from admin_http.hooks.records import Webhook
from dialerd.core.agents_view import AgentList, TeamInfo
from dialerd.core.control import DaemonState, Status, TrunkStatus
from dialerd.core.lines_view import TrunkInfo, TrunkList
from dialerd.core.port_gauges import port_gauges, port_labels
from dialerd.core.ports_view import ModemPort, PortList
from dialerd.core.records import Outcome

T = TypeVar("T")

SERIES_MAX: Final = 500  # of trunks, of ports and of campaigns
LAG: Final = "loop_lag_"

# A counter of `Status.counters`, the metric's name, and what it is. Names of counters end in
# _total on the page.
COUNTERS: Final = (
    ("rtp_frames", "media_frames", "Frames of audio that were due."),
    ("rtp_frames_late", "media_frames_late", "Frames that left 20 ms or more after their time."),
    ("rtp_ticks_skipped", "media_ticks_skipped", "Turns of the media threads that were missed."),
    ("rtp_events_dropped", "media_events_dropped", "Events that the media threads lost."),
    ("store_commits", "store_commits", "Durable commits."),
    ("store_commit_s_sum", "store_commit_seconds", "Seconds that commits took."),
    ("store_wait_s_sum", "store_wait_seconds", "Seconds from requests to the end of their commit."),
    ("store_jobs", "store_jobs", "Requests to write, several of them in a commit."),
    ("store_failures", "store_failures", "Commits that the store refused."),
    ("store_outbox_dropped", "outbox_dropped", "Rows that found no room in the outbox."),
    ("log_dropped", "log_dropped", "Lines of the log that found no room."),
)
GAUGES: Final = (
    ("rtp_load", "media_load", "Part of its time that the busiest media thread works."),
    ("store_commit_s_max", "store_commit_seconds_max", "The longest commit."),
    ("store_wait_s_max", "store_wait_seconds_max", "The longest from a request to its commit."),
    ("store_reader_age_s", "store_reader_age_seconds", "For how long the oldest reader reads."),
    ("store_reader_behind", "store_reader_behind_commits", "Commits since what a reader sees."),
    ("store_readers", "store_readers", "Places in the table of readers."),
    ("store_file_bytes", "store_file_bytes", "Size of the store's file."),
    ("store_used_bytes", "store_used_bytes", "Bytes of it in use."),
    ("store_map_bytes", "store_map_bytes", "The size up to which it may grow by itself."),
    ("store_free_bytes", "store_disk_free_bytes", "Room on the store's disk."),
    ("store_examined_part", "store_examined", "Part of the store that was read since a crash."),
    ("store_claims_wait", "store_claims_wait", "Whether no lead is claimed until that is done."),
    ("store_outbox_rows", "outbox_rows", "Rows that wait in the outbox."),
    ("store_outbox_max", "outbox_rows_max", "Rows that may wait in the outbox."),
    ("loop_lag_s_max", "core_loop_lag_seconds_max", "The longest lag of the core's loop."),
)
LATENESS: Final = (("0.5", "p50"), ("0.99", "p99"), ("0.999", "p999"), ("1", "max"))

# Of a campaign with agents: a field of `TeamInfo` and what it is.
TEAM: Final = (
    ("joined", "Agents who work in the campaign."),
    ("ready", "Agents who wait for a customer."),
    ("talking", "Agents who talk."),
    ("wrapping", "Agents who say what came of a call."),
    ("paused", "Agents who pause."),
    ("customers_waiting", "People who answered and wait for an agent."),
    ("abandonment", "Abandoned calls per person who answered, over the campaign's window."),
    ("abandonment_legal", "The same over the window of its regime."),
    ("calls_per_agent", "Calls under way for each agent who is there."),
    ("utilisation", "Part of their time that agents talk or wrap up."),
)
TEAM_COUNTERS: Final = (
    ("people", "People who answered."),
    ("conversations", "People who talked with an agent."),
    ("abandoned", "People for whom no agent was there in time."),
)
PORT_COUNTERS: Final = frozenset({"crashes", "calls_placed", "calls_answered"})


class Seen(msgspec.Struct, frozen=True):
    """What the daemon told; None where it could not be asked."""

    status: Status | None = None
    trunks: TrunkList | None = None
    ports: PortList | None = None
    agents: AgentList | None = None


class Measures:
    """What `prometheus_client.generate_latest` asks for its metrics."""

    def __init__(self, seen: Seen, more: Iterable[Metric] = ()) -> None:
        """`more`: of this process."""
        self._seen = seen
        self._more = more
        self._left_out = 0

    def collect(self) -> Iterator[Metric]:
        """Every metric, each once."""
        seen = self._seen
        yield _gauge("up", "Whether the daemon can be asked.", seen.status is not None)
        if seen.status is not None:
            yield from _daemon(seen.status)
            yield from _calls(seen.status)
            yield from _counted(seen.status.counters)
            yield _loop_lag(seen.status.counters)
            yield _frame_lateness(seen.status.counters)
            yield from self._status_trunks(seen.status.trunks)
        if seen.trunks is not None:
            yield self._resting(seen.trunks.items)
        if seen.ports is not None:
            yield from self._ports(seen.ports.items)
        if seen.agents is not None:
            yield from self._teams(seen.agents.teams)
        yield from self._more
        yield _gauge(
            "metrics_left_out", "Things of which no metrics are shown: too many.", self._left_out
        )

    def _some(self, items: Sequence[T]) -> Sequence[T]:
        self._left_out += max(0, len(items) - SERIES_MAX)
        return items[:SERIES_MAX]

    def _status_trunks(self, trunks: tuple[TrunkStatus, ...]) -> Iterator[Metric]:
        shown = self._some(trunks)
        for field, name, words in (
            ("up", "up", "Whether it takes calls."),
            ("channels", "channels", "Calls that it may carry."),
            ("in_use", "in_use", "Calls that it carries."),
            ("calls_per_s", "calls_per_second", "Calls a second that it takes now."),
            ("calls_per_s_max", "calls_per_second_max", "As configured; 0: no limit."),
        ):
            family = GaugeMetricFamily(f"dialerd_trunk_{name}", words, labels=("trunk",))
            for one in shown:
                family.add_metric((one.name,), float(getattr(one, field)))
            yield family
        for field, words in (
            ("placed", "Calls that it was given."),
            ("answered", "Calls that were answered."),
            ("failed", "Calls that it failed."),
            ("incoming", "Calls to us."),
        ):
            counts = CounterMetricFamily(f"dialerd_trunk_{field}", words, labels=("trunk",))
            for one in shown:
                counts.add_metric((one.name,), float(getattr(one, field)))
            yield counts

    def _resting(self, trunks: tuple[TrunkInfo, ...]) -> Metric:
        words = "Whether it rests after failures."
        family = GaugeMetricFamily("dialerd_trunk_resting", words, labels=("trunk",))
        for one in trunks[:SERIES_MAX]:
            family.add_metric((one.name,), float(one.breaker != "closed"))
        return family

    def _ports(self, ports: tuple[ModemPort, ...]) -> Iterator[Metric]:
        families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
        for port in self._some(ports):
            labels = port_labels(port)
            for name, value in map(_in_seconds, port_gauges(port).items()):
                if name not in families:
                    kind = CounterMetricFamily if name in PORT_COUNTERS else GaugeMetricFamily
                    words = f"{name.replace('_', ' ')} of a port of a modem bank."
                    families[name] = kind(f"dialerd_port_{name}", words, labels=tuple(labels))
                families[name].add_metric(tuple(labels.values()), value)
        yield from families.values()

    def _teams(self, teams: tuple[TeamInfo, ...]) -> Iterator[Metric]:
        shown = self._some(teams)
        for field, words in TEAM:
            family = GaugeMetricFamily(f"dialerd_team_{field}", words, labels=("campaign",))
            for one in shown:
                family.add_metric((one.campaign,), float(getattr(one, field)))
            yield family
        for field, words in TEAM_COUNTERS:
            counts = CounterMetricFamily(f"dialerd_team_{field}", words, labels=("campaign",))
            for one in shown:
                counts.add_metric((one.campaign,), float(getattr(one, field)))
            yield counts


def of_webhooks(hooks: Sequence[Webhook]) -> Iterator[Metric]:
    """How those fare who are told of calls."""
    label = ("webhook",)
    paused = GaugeMetricFamily("dialerd_webhook_paused", "Whether nothing is sent.", labels=label)
    tries = GaugeMetricFamily(
        "dialerd_webhook_tries", "Tries in vain of the next event.", labels=label
    )
    told = CounterMetricFamily("dialerd_webhook_told", "Events that it has taken.", labels=label)
    missed = CounterMetricFamily(
        "dialerd_webhook_missed", "Calls that were gone before they were told.", labels=label
    )
    for one in hooks:
        paused.add_metric((one.name,), float(bool(one.paused)))
        tries.add_metric((one.name,), float(one.tries))
        told.add_metric((one.name,), float(one.told))
        missed.add_metric((one.name,), float(one.missed))
    yield from (paused, tries, told, missed)


def _in_seconds(gauge: tuple[str, float]) -> tuple[str, float]:
    """Prometheus knows time in seconds only."""
    name, value = gauge
    if not name.startswith("minutes_"):
        return gauge
    return name.replace("minutes_", "seconds_"), 60 * value


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"dialerd_{name}", words, value=float(value))


def _daemon(status: Status) -> Iterator[Metric]:
    yield InfoMetricFamily("dialerd", "Which daemon it is.", value={"version": status.version})
    started_s = status.started_at.timestamp()
    yield _gauge("start_time_seconds", "When it was started, Unix seconds.", started_s)
    states = GaugeMetricFamily("dialerd_state", "What it does: one is 1.", labels=("state",))
    for state in DaemonState:
        states.add_metric((state.value,), float(state is status.state))
    yield states


def _calls(status: Status) -> Iterator[Metric]:
    yield _gauge("calls_in_flight", "Calls now.", status.calls_in_flight)
    yield _gauge("calls_per_second", "Pace of all campaigns, smoothed.", status.calls_per_s)
    yield _gauge("campaigns_running", "Running campaigns.", len(status.running))
    words = "Attempts of the campaigns that are not over."
    yield CounterMetricFamily("dialerd_attempts", words, value=float(status.placed))
    outcomes = CounterMetricFamily("dialerd_outcomes", "How attempts ended.", labels=("outcome",))
    for outcome in Outcome:
        outcomes.add_metric((outcome.value,), float(status.outcomes.get(outcome, 0)))
    yield outcomes


def _counted(counters: dict[str, float]) -> Iterator[Metric]:
    for name, shown, words in COUNTERS:
        if name in counters:
            yield CounterMetricFamily(f"dialerd_{shown}", words, value=counters[name])
    for name, shown, words in GAUGES:
        if name in counters:
            yield _gauge(shown, words, counters[name])
    words = "How late so many of the frames of audio leave at most, since the start."
    late = GaugeMetricFamily("dialerd_media_lateness_seconds", words, labels=("part",))
    for part, name in LATENESS:
        value = counters.get(f"rtp_lateness_us_{name}")
        if value is not None:
            late.add_metric((part,), value / 1e6)
    yield late


def _loop_lag(counters: dict[str, float]) -> Metric:
    words = "How late a timer of the core's loop comes that is due every 20 ms."
    family = HistogramMetricFamily("dialerd_core_loop_lag_seconds", words)
    if f"{LAG}count" in counters:
        buckets = _buckets(counters, f"{LAG}le_", counters[f"{LAG}count"])
        family.add_metric((), buckets, counters[f"{LAG}s_sum"])
    return family


def _frame_lateness(counters: dict[str, float]) -> Metric:
    """Of which a part of the time can be asked for; there is no sum."""
    words = "How late frames of audio leave."
    family = HistogramMetricFamily("dialerd_media_frame_lateness_seconds", words)
    if "rtp_frames" in counters:
        buckets = _buckets(counters, "rtp_late_le_", counters["rtp_frames"])
        family.add_metric((), buckets, None)
    return family


def _buckets(counters: dict[str, float], prefix: str, count: float) -> list[tuple[str, float]]:
    """Cumulative counts by their upper edges, which their names tell in us."""
    edges = {
        int(name.removeprefix(prefix).removesuffix("_us")): value
        for name, value in counters.items()
        if name.startswith(prefix)
    }
    return [*((str(edge / 1e6), edges[edge]) for edge in sorted(edges)), ("+Inf", count)]
