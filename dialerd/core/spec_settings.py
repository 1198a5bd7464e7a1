"""A campaign as people write it and as the store keeps it: the way there and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import UNSET, UnsetType

from dialerd.core.agent_spec import from_agents, to_agents
from dialerd.core.campaign_spec import CampaignSpec, at_time, list_names
from dialerd.core.detection_spec import from_detection, to_detection
from dialerd.core.flow_records import FlowChoice
from dialerd.core.list_spec import (
    NumberOutcome,
    from_lists,
    to_lists,
)
from dialerd.core.records import (
    AS_CONFIGURED,
    CampaignSettings,
    FrequencyCap,
    Hours,
    Outcome,
    Retry,
)
from dialerd.core.return_spec import from_returns, to_returns
from dialerd.core.spec_parts import (
    DAYS,
    CapSpec,
    HoursSpec,
    RetriedOutcome,
    RetrySpec,
    Weekday,
)
from dialerd.core.step_spec import flow_of, steps_of


def to_settings(
    spec: CampaignSpec, list_ids: Mapping[str, int], after_campaign: int = 0
) -> CampaignSettings:
    """The record that the store keeps; ids stand in it for the names of the spec (unknown: 0)."""
    return CampaignSettings(
        name=spec.name,
        list_id=list_ids.get(list_names(spec)[0], 0),
        flow=flow_of(spec.steps),
        regime=spec.regime,
        mode=spec.mode,
        caller_id=spec.caller_id,
        hours=tuple(
            Hours(_minute(h.start), _minute(h.end), tuple(sorted(map(_day, set(h.days)))))
            for h in spec.hours
        ),
        cap=FrequencyCap(spec.cap.calls_max, spec.cap.window_s, spec.cap.counts),
        attempts_max=spec.attempts_max,
        retry_gap_s=spec.retry_gap_s,
        ring_s_max=spec.ring_s_max,
        calls_per_s_max=spec.calls_per_s_max,
        start_ms=_ms(spec.start_at),
        end_ms=_ms(spec.end_at),
        rechecks_max=spec.rechecks_max,
        recheck_gap_s=spec.recheck_gap_s,
        record=spec.record,
        skip_holidays=spec.skip_holidays,
        zone_column=spec.zone_column,
        consent=spec.consent,
        consent_column=spec.consent_column,
        caller_name=spec.caller_name,
        abandoned_prompt=spec.abandoned_prompt,
        cap_binds_retries=spec.cap_binds_retries,
        retries={
            Outcome(outcome): Retry(retry.gap_s, retry.tries_max)
            for outcome, retry in spec.retries.items()
        },
        rest_s=spec.rest_s,
        weight=spec.weight,
        after_campaign=after_campaign,
        after_s=spec.after_s,
        priority_column=spec.priority_column,
        agents=to_agents(spec.agents),
        script=spec.script,
        flow_name=spec.flow,
        flow_column=spec.flow_column,
        flows=tuple(FlowChoice(value, name) for value, name in spec.flows.items()),
        returns=to_returns(spec.returns),
        log=spec.log,
        record_share=spec.record_share,
        record_early=spec.record_early,
        recordings_days=_days(spec.recordings_days),
        events_days=_days(spec.events_days),
        lists=to_lists(spec.lists, list_ids),
        mix=spec.mix,
        next_number_on=tuple(Outcome(one) for one in dict.fromkeys(spec.next_number_on)),
        next_number_gap_s=spec.next_number_gap_s,
        consent_date_column=spec.consent_date_column,
        detection=to_detection(spec.detection),
        newcomers=spec.newcomers,
    )


def from_settings(
    settings: CampaignSettings, names: Mapping[int, str], after: str = ""
) -> CampaignSpec:
    """The way back, for people to read.

    `names` are those of lists by id; `after` is the name of the campaign before this one.
    """
    lists = from_lists(settings.lists, names)
    return CampaignSpec(
        name=settings.name,
        list="" if lists else names.get(settings.list_id, str(settings.list_id)),
        lists=lists,
        mix=settings.mix,
        newcomers=settings.newcomers,
        next_number_on=tuple(NumberOutcome(outcome.value) for outcome in settings.next_number_on),
        next_number_gap_s=settings.next_number_gap_s,
        consent_date_column=settings.consent_date_column,
        regime=settings.regime,
        steps=() if settings.flow_name else steps_of(settings.flow),
        mode=settings.mode,
        agents=from_agents(settings.agents),
        caller_id=settings.caller_id,
        hours=tuple(
            HoursSpec(
                start=_clock(h.start_minute),
                end=_clock(h.end_minute),
                days=tuple(Weekday(DAYS[day]) for day in h.weekdays),
            )
            for h in settings.hours
        ),
        cap=CapSpec(
            calls_max=settings.cap.calls_max,
            window_s=settings.cap.window_s,
            counts=settings.cap.counts,
        ),
        attempts_max=settings.attempts_max,
        retry_gap_s=settings.retry_gap_s,
        rechecks_max=settings.rechecks_max,
        recheck_gap_s=settings.recheck_gap_s,
        record=settings.record,
        ring_s_max=settings.ring_s_max,
        calls_per_s_max=settings.calls_per_s_max,
        start_at=at_time(settings.start_ms) if settings.start_ms else UNSET,
        end_at=at_time(settings.end_ms) if settings.end_ms else UNSET,
        skip_holidays=settings.skip_holidays,
        zone_column=settings.zone_column,
        consent=settings.consent,
        consent_column=settings.consent_column,
        caller_name=settings.caller_name,
        abandoned_prompt=settings.abandoned_prompt,
        cap_binds_retries=settings.cap_binds_retries,
        retries={
            RetriedOutcome(outcome.value): RetrySpec(gap_s=retry.gap_s, tries_max=retry.tries_max)
            for outcome, retry in settings.retries.items()
        },
        rest_s=settings.rest_s,
        weight=settings.weight,
        after=after or (str(settings.after_campaign) if settings.after_campaign else ""),
        after_s=settings.after_s,
        priority_column=settings.priority_column,
        script=settings.script,
        flow=settings.flow_name,
        flow_column=settings.flow_column,
        flows={one.value: one.name for one in settings.flows},
        returns=from_returns(settings.returns),
        detection=from_detection(settings.detection),
        log=settings.log,
        record_share=settings.record_share,
        record_early=settings.record_early,
        recordings_days=_unless_configured(settings.recordings_days),
        events_days=_unless_configured(settings.events_days),
    )


def _days(days: int | UnsetType) -> int:
    return AS_CONFIGURED if days is UNSET else days


def _unless_configured(days: int) -> int | UnsetType:
    return UNSET if days == AS_CONFIGURED else days


def _minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _day(day: Weekday) -> int:
    return DAYS.index(day.value)


def _ms(at: datetime | UnsetType) -> int:
    return 0 if at is UNSET else int(at.timestamp() * 1000)
