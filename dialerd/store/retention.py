"""What is kept for a while only: recordings, interactions, and who people were.

A pass goes over all interactions and all lists in small steps, each a transaction of its own, so
that calls do not notice it. What it finds to do depends on nothing but the records and the time: a
pass that is cut short is simply begun again.

- The interactions of an attempt go `events_days` after its end. One that names a recording stays
  until the recording went, `recordings_days` after the end.
- The people of a list are erased (`people`) `people_days` after the last campaign on it finished;
  of a list that no campaign used, after it was made.
- What agents did, line by line, goes `agents_days` after it was done.
- The records of what ended, which exports and the files of `[cdr]` are made from, go `ended_days`
  after the call, once everybody who takes them has done so (`ended.trim`).
- Texts that reached a SIM go `texts_days` after they arrived; those of people who go, with them.
- A campaign may have days of its own, in the configuration or its settings, which come first. 0
  days keep for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from dialerd.core.ports import ConflictError
from dialerd.core.records import (
    AS_CONFIGURED,
    Attempt,
    Campaign,
    CampaignState,
    ContactList,
    EventKind,
)
from dialerd.store import agents, audience, campaigns, caps, ended, lists, people, sims
from dialerd.store.base import BaseStore
from dialerd.store.ended import events_of
from dialerd.store.limits import STEP_ROWS
from dialerd.store.recording_files import files_of, named, names_of, remove
from dialerd.store.schema import (
    ATTEMPT,
    CONTACT_PHONE,
    EVENTS,
    AuditLine,
    attempt_key,
    contact_key,
    event_key,
    split_event,
)
from dialerd.store.ticket import wait
from dialerd.store.unit import Unit

STEP: Final = 500  # records that one step looks at
ERASED_STEP: Final = 100  # people whom one step erases, each with all leads and attempts
DAY_MS: Final = 86_400_000
KINDS: Final = ("recordings", "events", "people", "agents", "ended", "texts")


class Days(msgspec.Struct, frozen=True):
    """How many days something is kept; 0: for ever."""

    recordings: int = 0
    events: int = 0
    people: int = 0
    agents: int = 0  # of no campaign: an agent works in several
    ended: int = 0  # of no campaign: they are numbered through
    texts: int = 0  # of no campaign: they reached a SIM

    @property
    def any(self) -> bool:
        """Whether anything ever goes."""
        return any(msgspec.structs.astuple(self))


class Retention:
    """One pass; `steps` does it. `counts` says what went, or would go when `dry`."""

    def __init__(
        self,
        store: BaseStore,
        folder: Path,
        usual: Days,
        of_campaign: dict[str, Days],
        *,
        now_ms: int,
        secret: bytes,
        dry: bool = False,
        takers: tuple[str, ...] = (),
    ) -> None:
        """A pass over a store.

        Args:
            store: any.
            folder: that of recordings.
            usual: for whatever no campaign has days of its own for.
            of_campaign: by name.
            now_ms: Unix ms.
            secret: see `caps.hide`.
            dry: only count.
            takers: cursors that what ended is kept for though they stand nowhere yet.
        """
        self._store = store
        self._folder = folder
        self._usual = usual
        self._of_campaign = of_campaign
        self._now_ms = now_ms
        self._secret = secret
        self._dry = dry
        self._takers = takers
        self._campaigns = {one.campaign_id: one for one in store.campaigns()}
        self.counts = dict.fromkeys(KINDS, 0)

    @property
    def any(self) -> bool:
        """Whether anything ever goes, now that these campaigns are there."""
        every = (self._usual, *map(self._days, self._campaigns.values()))
        return any(days.any for days in every)

    def steps(self) -> Iterator[None]:
        """The whole pass, a little at a time."""
        every = [self._usual, *self._of_campaign.values()]
        every += map(self._days, self._campaigns.values())
        if any(days.events or days.recordings for days in every):
            yield from self._histories()
        if any(days.people for days in every):
            yield from self._lists()
        if self._usual.agents:
            yield from self._agents()
        if self._usual.ended:
            yield from self._ended()
        if self._usual.texts:
            yield from self._texts()
        if any(self.counts.values()) and not self._dry:
            line = AuditLine(self._now_ms, "retention", "kept long enough", dict(self.counts))
            self._write(lambda unit: people.audit(unit, line))

    def _write(self, work: Callable[[Unit], object]) -> None:
        wait(self._store._submit(work))

    def _days(self, campaign: Campaign | None) -> Days:
        if campaign is None:
            return self._usual
        settings = campaign.settings
        own = {"recordings": settings.recordings_days, "events": settings.events_days}
        said = {kind: days for kind, days in own.items() if days != AS_CONFIGURED}
        days = self._of_campaign.get(settings.name, self._usual)
        return msgspec.structs.replace(days, **said) if said else days

    def _over(self, days: int, since_ms: int) -> bool:
        return days > 0 and since_ms > 0 and since_ms + days * DAY_MS <= self._now_ms

    # -- histories -------------------------------------------------------------------------------

    def _histories(self) -> Iterator[None]:
        at: bytes | None = b""
        while at is not None:
            found, at = self._store._read(partial(_page, at=at))
            due = [one for one in map(self._due, found) if one is not None]
            for _, names, rest in due:
                if names:
                    files = list(files_of(self._folder, names))
                    self.counts["recordings"] += len(files) if self._dry else remove(files)
                self.counts["events"] += rest
            if due and not self._dry:
                self._write(partial(self._shorten_all, attempts=[one[0] for one in due]))
            yield

    def _due(self, attempt: Attempt) -> tuple[Attempt, list[str], bool] | None:
        """The recordings to remove, and whether its history is shortened; None: nothing."""
        if attempt.outcome is None:
            return None
        days = self._days(self._campaigns.get(attempt.campaign_id))
        files = self._over(days.recordings, attempt.ended_ms)
        history = self._over(days.events, attempt.ended_ms)
        if not files and not history:
            return None
        of = attempt.campaign_id, attempt.lead_id, attempt.attempt_id
        events = tuple(self._store._read(lambda unit: list(events_of(unit, *of))))
        names = names_of(attempt, events) if files else []
        stays = 0 if files else len(named(events))
        rest = history and len(events) > stays
        return (attempt, names, rest) if names or rest else None

    def _shorten_all(self, unit: Unit, attempts: list[Attempt]) -> None:
        for attempt in attempts:
            self._shorten(unit, attempt)

    def _shorten(self, unit: Unit, attempt: Attempt) -> None:
        """Leave of a history what is not over yet."""
        days = self._days(self._campaigns.get(attempt.campaign_id))
        files = self._over(days.recordings, attempt.ended_ms)
        history = self._over(days.events, attempt.ended_ms)
        of = attempt.campaign_id, attempt.lead_id, attempt.attempt_id
        left = tuple(
            event
            for event in events_of(unit, *of)
            if not (files if event.kind is EventKind.RECORDED else history)
        )
        people.drop_events(unit, attempt)
        if left:
            unit.t.events.put(event_key(*of, 0), EVENTS.pack(left))

    # -- agents ----------------------------------------------------------------------------------

    def _agents(self) -> Iterator[None]:
        until_ms = self._now_ms - self._usual.agents * DAY_MS + 1
        at: bytes | None = b""
        while at is not None:
            page = partial(agents.log_page, at=at, until_ms=until_ms, limit=STEP)
            found, at = self._store._read(page)
            self.counts["agents"] += len(found)
            if found and not self._dry:
                self._write(partial(agents.log_drop, keys=found))
            yield

    # -- what ended ------------------------------------------------------------------------------

    def _ended(self) -> Iterator[None]:
        """The oldest records, when everybody has taken them."""
        until_ms, needs = self._now_ms - self._usual.ended * DAY_MS, self._takers
        gone, after = STEP, 0
        while gone == STEP:
            if self._dry:
                found = self._store._read(
                    partial(ended.taken, after=after, until_ms=until_ms, needs=needs, limit=STEP)
                )
                gone, after = len(found), found[-1][0] if found else after
            else:
                trim = partial(ended.trim, until_ms=until_ms, needs=needs, limit=STEP)
                gone = wait(self._store._submit(trim))
            self.counts["ended"] += gone
            yield

    # -- texts -----------------------------------------------------------------------------------

    def _texts(self) -> Iterator[None]:
        until_ms = self._now_ms - self._usual.texts * DAY_MS + 1
        gone, after = STEP_ROWS, 0
        while gone == STEP_ROWS:
            if self._dry:
                found = self._store._read(partial(sims.taken_until, until_ms=until_ms, after=after))
                gone, after = len(found), found[-1][0] if found else after
            else:
                gone = wait(self._store._submit(partial(sims.drop_texts_until, until_ms=until_ms)))
            self.counts["texts"] += gone
            yield

    # -- people ----------------------------------------------------------------------------------

    def _lists(self) -> Iterator[None]:
        for found in self._store.lists():
            row = 1
            while row <= found.size and self._store._read(partial(self._expired, of=found)):
                stop = min(row + ERASED_STEP, found.size + 1)
                self._erase(found, row, stop)
                row = stop
                yield

    def _expired(self, unit: Unit, of: ContactList) -> bool:
        """Whether nobody may need the people of a list any more, as things are now."""
        users = [
            c for c in campaigns.all_campaigns(unit) if of.list_id in audience.list_ids(c.settings)
        ]
        if not users:
            return self._over(self._usual.people, of.created_ms)
        for campaign in users:
            if campaign.state is not CampaignState.FINISHED:
                return False
            finished_ms = campaigns.moves(unit, campaign.campaign_id)[-1].at_ms
            if not self._over(self._days(campaign).people, finished_ms):
                return False
        return True

    def _erase(self, of: ContactList, row: int, stop: int) -> None:
        """Some of the people of a list: their files, then all that is written of them."""
        found, names = self._store._read(partial(self._people, of=of, row=row, stop=stop))
        if self._dry:
            self.counts["people"] += len(found)
            return
        # Files first: once nothing names them, nobody finds them any more.
        self.counts["recordings"] += remove(files_of(self._folder, names))
        try:
            self._write(partial(self._erase_all, of=of, rows=found))
        except ConflictError:
            return  # one of them is being called, or the list is used again: at the next pass
        self.counts["people"] += len(found)

    def _people(
        self, unit: Unit, of: ContactList, row: int, stop: int
    ) -> tuple[list[tuple[int, int]], list[str]]:
        """Who is in some rows of a list, each with the row, and the recordings of them."""
        first, last = contact_key(of.list_id, row), contact_key(of.list_id, stop)
        found = [
            (at, phone)
            for at, (_, raw) in enumerate(unit.t.contacts.scan(first, last, ERASED_STEP), row)
            if (phone := CONTACT_PHONE.unpack(raw).phone)
        ]
        users = people.approved_with(unit, of.list_id)
        names = [
            name
            for at, _ in found
            for _, lead in people.leads_of(unit, (of.list_id, at), users)
            for attempt, events in people.attempts_of(unit, lead)
            for name in names_of(attempt, events)
        ]
        return found, names

    def _erase_all(self, unit: Unit, of: ContactList, rows: list[tuple[int, int]]) -> None:
        if not self._expired(unit, of):
            raise ConflictError(f"list {of.name!r} is used again")
        users = people.approved_with(unit, of.list_id)
        counts = dict.fromkeys(("contacts", "leads", "attempts", "events"), 0)
        for row, phone in rows:
            raw = unit.t.contacts.get(contact_key(of.list_id, row))
            if raw is None or CONTACT_PHONE.unpack(raw).phone != phone:
                continue  # erased meanwhile
            for gone in sorted(people.erase_row(unit, of.list_id, row, counts, users)):
                if not people.rows(unit, gone):
                    sims.drop_texts_from(unit, gone)
                    caps.hide(unit, gone, self._secret)


def days_since_newest(store: BaseStore, now_ms: int) -> int:
    """How many days ago the newest was written of what people and calls leave; 0: there is none."""
    newest_ms = store._read(_newest_ms)
    return (now_ms - newest_ms) // DAY_MS if newest_ms else 0


def _newest_ms(unit: Unit) -> int:
    moved = (campaigns.moves(unit, one.campaign_id) for one in campaigns.all_campaigns(unit))
    return max(
        *(one.created_ms for one in lists.all_lists(unit)),
        *(moves[-1].at_ms for moves in moved),
        *(one.attempt.ended_ms for one in ended.page(unit, ended.last(unit) - 1, 1)),
        0,
        0,
    )


def _page(unit: Unit, at: bytes) -> tuple[list[Attempt], bytes | None]:
    """The attempts of the next pieces of history, and where to go on; None at the end."""
    pairs = unit.t.events.scan(at, b"\xff" * 20, STEP)
    found: dict[bytes, Attempt] = {}
    for key, _ in pairs:
        campaign_id, lead_id, attempt_id, _ = split_event(key)
        of = attempt_key(campaign_id, lead_id, attempt_id)
        if of not in found:
            raw = unit.t.attempts.get(of)
            if raw is not None:
                found[of] = ATTEMPT.unpack(raw)
    return list(found.values()), pairs[-1][0] + b"\0" if len(pairs) == STEP else None
