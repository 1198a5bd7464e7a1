"""What a run came to: counts from the store, verdicts from the carriers' ledgers, cost from /proc.

Pure: everything measured is handed in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from dialerd.core.ports import ReportRow
from dialerd.core.records import FrequencyCap, Outcome
from dialerd.sim import limits
from dialerd.sim.bank_figures import BankFigures
from dialerd.sim.checkers import Fault, called_again, doubled, lost, mismatched
from dialerd.sim.ledger import Books
from dialerd.sim.usage import Usage


class Imported(msgspec.Struct, frozen=True):
    """What the import of the list said."""

    valid: int = 0
    converted: int = 0
    duplicates: int = 0
    rejected: int = 0
    seconds: float = 0.0


class Sample(msgspec.Struct, frozen=True):
    """The daemon's processes at one moment."""

    usage: Usage
    in_flight: int = 0


class Measured(msgspec.Struct):
    """What was watched while the run went on."""

    rate: float
    placed_before: int = 0  # by earlier runs on the same folder
    restarts: int = 0  # of the daemon, after it died
    seconds: float = 0.0  # during which calls were placed
    drain_s: float = 0.0
    wall_s: float = 0.0
    before: Sample = Sample(Usage())  # daemon idle, list imported
    peak: Sample = Sample(Usage())  # at the most calls in flight
    rss_kib_max: int = 0
    ports_ready: int = 0  # of the bank, or at work; at most at once
    port_loss_seen: bool = False  # whether the daemon told the port without signal as not ready
    after: Usage = Usage()
    carriers: Usage = Usage()

    def watch(self, sample: Sample) -> None:
        """Take a sample in."""
        self.rss_kib_max = max(self.rss_kib_max, sample.usage.rss_kib)
        if sample.in_flight >= self.peak.in_flight:
            self.peak = sample


class Verdict(msgspec.Struct):
    """What the ledgers prove."""

    doubled: list[Fault] = []
    lost: list[Fault] = []
    mismatched: list[Fault] = []


class Summary(msgspec.Struct, kw_only=True):
    """The result of a run; printed as JSON it is the demo's machine-readable output."""

    seed: int
    rate: float
    imported: int
    converted: int
    duplicates: int
    rejected: int
    placed: int  # attempts begun
    placed_before: int  # of these, by earlier runs on the same folder
    restarts: int  # of the daemon, after it died
    answered: int
    no_answer: int
    declined: int
    busy: int
    unreachable: int
    invalid: int
    failed: int
    cancelled: int
    interrupted: int
    media_timeout: int = 0
    too_long: int = 0
    digits: int  # keys heard by the dialer
    digits_pressed: int  # keys the carriers' people pressed
    carrier_calls: int  # Call-IDs in the ledgers; more than `placed` by the trunk advances
    rtp_received: int  # packets that reached the carriers
    silent: int  # answered calls in which the carrier heard nothing at all
    doubled: int
    lost: int
    mismatched: int
    cps: float
    seconds: float
    drain_s: float
    wall_s: float
    import_s: float
    cpu_s: float  # the daemon's processes, whole life
    cpu_ms_per_call: float  # from the start of the campaign to the end of the last call
    cores: float  # used by the daemon while it dialed
    carriers_cpu_s: float
    in_flight_max: int
    rss_mib: float  # largest
    rss_kib_per_call: float  # grown from idle to the most calls in flight
    faults: list[Fault]  # the first of each kind
    report: str = ""
    bank: BankFigures = BankFigures()


def judge(
    books: Books,
    rows: Callable[[], Iterable[ReportRow]],
    cap: FrequencyCap,
    attempt_of: Callable[[str], int | None],
) -> Verdict:
    """Run every checker. `rows` gives the store's report anew each time."""
    return Verdict(
        doubled(books, cap, attempt_of, called_again(rows())),
        lost(books, rows(), attempt_of),
        mismatched(books, rows()),
    )


def summarise(
    seed: int,
    imported: Imported,
    books: Books,
    rows: Iterable[ReportRow],
    verdict: Verdict,
    measured: Measured,
) -> Summary:
    """Put a run into figures."""
    outcomes: Counter[Outcome] = Counter()
    placed = digits = 0
    for row in rows:
        for attempt, _ in row.attempts:
            placed += attempt.begun_ms > 0
            digits += len(attempt.keys)
            if attempt.outcome is not None:
                outcomes[attempt.outcome] += 1
    placed_now = placed - measured.placed_before
    ends = [call.ended for call in books.calls if call.ended is not None]
    active_s = measured.seconds + measured.drain_s
    spent_s = measured.after.cpu_s - measured.before.usage.cpu_s
    grown_kib = measured.peak.usage.rss_kib - measured.before.usage.rss_kib
    faults = [f for group in _groups(verdict) for f in group[: limits.FAULTS_SHOWN]]
    return Summary(
        seed=seed,
        rate=measured.rate,
        imported=imported.valid,
        converted=imported.converted,
        duplicates=imported.duplicates,
        rejected=imported.rejected,
        placed=placed,
        placed_before=measured.placed_before,
        restarts=measured.restarts,
        digits=digits,
        digits_pressed=sum(len(end.digits) for end in ends),
        carrier_calls=len(books.calls),
        rtp_received=sum(end.rtp_received for end in ends),
        silent=sum(end.answered_ms > 0 and end.rtp_received == 0 for end in ends),
        doubled=len(verdict.doubled),
        lost=len(verdict.lost) + books.damaged + books.orphans,
        mismatched=len(verdict.mismatched),
        cps=_rounded(placed_now, measured.seconds),
        seconds=round(measured.seconds, 2),
        drain_s=round(measured.drain_s, 2),
        wall_s=round(measured.wall_s, 2),
        import_s=round(imported.seconds, 2),
        cpu_s=round(measured.after.cpu_s, 2),
        cpu_ms_per_call=_rounded(1000 * spent_s, placed_now),
        cores=_rounded(spent_s, active_s),
        carriers_cpu_s=round(measured.carriers.cpu_s, 2),
        in_flight_max=measured.peak.in_flight,
        rss_mib=round(measured.rss_kib_max / 1024, 1),
        rss_kib_per_call=_rounded(max(0, grown_kib), measured.peak.in_flight),
        faults=faults,
        answered=outcomes[Outcome.ANSWERED],
        no_answer=outcomes[Outcome.NO_ANSWER],
        declined=outcomes[Outcome.DECLINED],
        busy=outcomes[Outcome.BUSY],
        unreachable=outcomes[Outcome.UNREACHABLE],
        invalid=outcomes[Outcome.INVALID],
        failed=outcomes[Outcome.FAILED],
        cancelled=outcomes[Outcome.CANCELLED],
        interrupted=outcomes[Outcome.INTERRUPTED],
        media_timeout=outcomes[Outcome.MEDIA_TIMEOUT],
        too_long=outcomes[Outcome.TOO_LONG],
    )


def _groups(verdict: Verdict) -> tuple[list[Fault], ...]:
    return verdict.doubled, verdict.lost, verdict.mismatched


def _rounded(a: float, b: float) -> float:
    return round(a / b, 3) if b else 0.0
