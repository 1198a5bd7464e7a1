"""What the dialer is told at the start of the daemon, and what it may not go on with.

An emergency stop is kept in the store. Where the disk refuses that, a file without a byte in the
data folder stands for it, and a daemon that finds it at its start makes good for it before anything
is dialed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from dialerd.core.chain import campaign_prompts
from dialerd.core.events import AgentsKnown, CampaignChanged
from dialerd.core.ports import Store
from dialerd.core.prompts_view import PromptError
from dialerd.core.records import CampaignState
from dialerd.core.team_books import counts_from
from dialerd.shell.prompt_table import Prompts

log = logging.getLogger("dialerd")

NAME: Final = "emergency-stop"


class StopMark:
    """The file that says that all dialing was stopped, and the store does not know."""

    def __init__(self, folder: Path) -> None:
        """In the data folder."""
        self._path = folder / NAME

    @property
    def there(self) -> bool:
        """Whether an earlier process could not write that it was stopped."""
        return self._path.exists()

    def make(self) -> None:
        """The store refuses. What cannot be marked either is logged."""
        try:
            self._path.touch()
        except OSError as error:
            log.error("the emergency stop is not kept over a restart: %s", error)

    def remove(self) -> None:
        """The store knows."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            log.error("%s: %s; the next start stops all dialing again", self._path, error)


async def tell_campaigns(
    store: Store,
    prompts: Prompts,
    mark: StopMark,
    feed: Callable[[CampaignChanged | AgentsKnown], None],
    now_ms: int,
) -> None:
    """Tell the dialer of all that may dial, prompts decoded, and of who works; StoreError."""
    stopped = mark.there
    if stopped:
        await store.set_halted(on=True)
    for known in store.campaigns():
        campaign = known
        if campaign.state in {CampaignState.DRAFT, CampaignState.FINISHED}:
            continue
        name = campaign.settings.name
        if await store.join(campaign.campaign_id):  # came while nobody ran, or before a crash
            campaign = store.campaign(campaign.campaign_id)
        if stopped and campaign.state is CampaignState.RUNNING:
            log.warning("campaign %s: paused, for dialing was stopped before the restart", name)
            campaign = await store.move_campaign(
                campaign.campaign_id, CampaignState.PAUSED, "dialerd", now_ms, "emergency stop"
            )
        for prompt in sorted(campaign_prompts(campaign.settings)):
            try:
                await prompts.prepare(prompt)
            except PromptError as error:  # its calls will be hung up
                log.error("campaign %s: %s", name, error)
        feed(
            CampaignChanged(
                campaign,
                tuple(store.met(campaign.campaign_id, counts_from(campaign.settings, now_ms))),
            )
        )
    feed(AgentsKnown(tuple(store.at_work())))
    mark.remove()
