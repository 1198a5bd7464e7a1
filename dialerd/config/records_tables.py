"""The tables about what becomes of records: `[cdr]`, `[outbox]` and `[retention]`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

from dialerd.config.keys import RESTART, Section, doc


class CdrForm(StrEnum):
    """How a line is written."""

    CSV = "csv"
    JSONL = "jsonl"


class Cdr(Section):
    """Files with a line for each call that has ended, each line once, whatever is killed."""

    enabled: Annotated[bool, doc("Whether they are written.", RESTART)] = False
    folder: Annotated[str, doc("Their folder; empty: `cdr` in that of [store].", RESTART)] = ""
    format: Annotated[
        CdrForm, doc("csv, for spreadsheets; jsonl, with every interaction.", RESTART)
    ] = CdrForm.CSV
    rotate_mb: Annotated[
        int, doc("Begin a new file after so many MB.", RESTART, ge=1, le=1 << 20)
    ] = 100
    daily: Annotated[bool, doc("Begin a new file with each local day.", RESTART)] = True
    keep: Annotated[
        int, doc("Finished files that stay; older ones are removed. 0: all.", RESTART, ge=0)
    ] = 0


class Outbox(Section):
    """Rows for whoever is to be told of calls that ended, written with the call's last record."""

    rows_max: Annotated[
        int,
        doc(
            "Rows that may wait; beyond, new ones are dropped and counted. 0: none are written.",
            RESTART,
            ge=0,
            le=10_000_000,
        ),
    ] = 0


DAYS_MAX: Final = 36_500


class KeptCampaign(Section):
    """A campaign that keeps things for days of its own."""

    name: Annotated[str, doc("Of the campaign.", RESTART, min_length=1)]
    recordings_days: Annotated[int, doc("As above; 0: for ever.", RESTART, ge=0, le=DAYS_MAX)] = 0
    events_days: Annotated[int, doc("As above.", RESTART, ge=0, le=DAYS_MAX)] = 0
    people_days: Annotated[int, doc("As above.", RESTART, ge=0, le=DAYS_MAX)] = 0


class Retention(Section):
    """How long things are kept, in days; 0: for ever."""

    recordings_days: Annotated[
        int, doc("Recordings, after the call.", RESTART, ge=0, le=DAYS_MAX)
    ] = 0
    events_days: Annotated[
        int, doc("Interactions, after the call.", RESTART, ge=0, le=DAYS_MAX)
    ] = 0
    people_days: Annotated[
        int,
        doc(
            "Who was called, after the last campaign on the list has finished.",
            RESTART, ge=0, le=DAYS_MAX,
        ),
    ] = 0  # fmt: skip
    agents_days: Annotated[
        int,
        doc("What agents did when: logged in, paused, talked.", RESTART, ge=0, le=DAYS_MAX),
    ] = 0
    ended_days: Annotated[
        int,
        doc(
            "Records of what ended, after the call, once every export and [cdr] has taken them.",
            RESTART, ge=0, le=DAYS_MAX,
        ),
    ] = 0  # fmt: skip
    texts_days: Annotated[
        int, doc("Texts that reached a SIM of a modem bank.", RESTART, ge=0, le=DAYS_MAX)
    ] = 0
    campaign: Annotated[tuple[KeptCampaign, ...], Meta(max_length=1000)] = ()

    @property
    def any(self) -> bool:
        """Whether anything goes some day."""
        days = [self.recordings_days, self.events_days, self.people_days, self.agents_days]
        days += [self.ended_days, self.texts_days]
        for one in self.campaign:
            days += [one.recordings_days, one.events_days, one.people_days]
        return any(days)
