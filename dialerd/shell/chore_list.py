"""Which chores a configuration asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_bytes
from typing import Final

from msgspec import structs

from dialerd.config import Config, parse_zone
from dialerd.config.records_tables import KeptCampaign
from dialerd.config.records_tables import Retention as Kept
from dialerd.core.events import LeadsJoined
from dialerd.core.ports import StoreError
from dialerd.shell.chores import Chore
from dialerd.store.base import BaseStore
from dialerd.store.cdr_files import CURSOR_NAME, CdrFiles, CdrRules
from dialerd.store.retention import DAY_MS, Days, Retention, days_since_newest
from dialerd.store.ticket import wait

DOUBTED_DAYS: Final = 60  # without a trace of anybody: the clock may be wrong instead
CLOCK_DOUBTED: Final = (
    "the clock stands {days} days after the newest record, so nothing is removed for a day; if it "
    "is right, `dialerd retention` removes at once"
)
Now = Callable[[], tuple[str, int]]  # the local day and Unix ms


def chores_of(
    config: Config, store: BaseStore, now: Now, tell: Callable[[LeadsJoined], object]
) -> dict[str, Chore]:
    """By their names in the log; `tell` the dialer, from their thread."""
    chores = {"[retention]": _daily(config, store, now)}  # campaigns may have days of their own
    chores["newcomers"] = _newcomers(store, tell)
    if config.cdr.enabled:
        chores["[cdr]"] = _cdr(config, store, now)
    return chores


def retention_of(
    config: Config, store: BaseStore, folder: Path, now_ms: int, *, dry: bool = False
) -> Retention:
    """One pass over the store in a data folder, as [retention] says."""
    named, kept = config.recording.folder, config.retention
    return Retention(
        store,
        Path(named) if named else folder / "recordings",
        structs.replace(
            _days(kept), agents=kept.agents_days, ended=kept.ended_days, texts=kept.texts_days
        ),
        {one.name: _days(one) for one in config.retention.campaign},
        now_ms=now_ms,
        secret=token_bytes(32),
        dry=dry,
        takers=(CURSOR_NAME,) if config.cdr.enabled else (),
    )


def _days(kept: Kept | KeptCampaign) -> Days:
    return Days(kept.recordings_days, kept.events_days, kept.people_days)


def _daily(config: Config, store: BaseStore, now: Now) -> Chore:
    """A pass each local day, begun at the start and at midnight, a step of it each time.

    What it removes never comes back, so it does not trust a clock that is far off the records.
    """
    begun = ""
    doubted_ms = 0
    steps: Iterator[None] = iter(())
    work: Retention | None = None

    def step() -> str:
        nonlocal begun, doubted_ms, steps, work
        day, now_ms = now()
        if day != begun:
            days = days_since_newest(store, now_ms)
            doubted_ms = (doubted_ms or now_ms) if days > DOUBTED_DAYS else 0
            if doubted_ms and now_ms < doubted_ms + DAY_MS:
                raise StoreError(CLOCK_DOUBTED.format(days=days))
            begun = day
            work = retention_of(config, store, config.store.path, now_ms)
            steps = work.steps()
        if work is None:
            return ""
        try:
            next(steps)
        except StopIteration:
            done, work = work.counts, None
            if any(done.values()):
                return "gone: " + ", ".join(f"{n} {what}" for what, n in done.items() if n)
        except BaseException:
            begun = ""  # a generator that raised is over: begin the pass again
            raise
        return ""

    return step


def _newcomers(store: BaseStore, tell: Callable[[LeadsJoined], object]) -> Chore:
    """Campaigns call people whom an import brought into their lists: it is another process."""

    def join() -> str:
        for campaign_id in store.newcomers():
            if wait(store.join(campaign_id)):
                tell(LeadsJoined(campaign_id))
        return ""

    return join


def _cdr(config: Config, store: BaseStore, now: Now) -> Chore:
    cdr = config.cdr
    folder = Path(cdr.folder) if cdr.folder else config.store.path / "cdr"
    rules = CdrRules(cdr.format.value, cdr.rotate_mb << 20, cdr.daily, cdr.keep)
    zone = parse_zone(config.dialing.zone)
    files = CdrFiles(store, folder, rules, lambda: zone)

    def write() -> str:
        files.write(*now())
        return ""

    return write
