"""The resources of `/v1`, one file each: thin, each a question to the daemon or to the store.

Importing a module registers its routes.
"""

from __future__ import annotations

from typing import Final

from admin_http.resources import (
    agents,
    audit,
    bans,
    bearers,
    callbacks,
    calls,
    campaigns,
    carriers,
    configuration,
    docs,
    exports,
    figures,
    flows,
    imports,
    jobs,
    leads,
    lines,
    lists,
    metrics,
    numbers,
    plan,
    prompts,
    reports,
    scripts,
    session,
    system,
    traces,
    users,
    webhooks,
)

MODULES: Final = (
    calls,
    campaigns,
    lists,
    leads,
    bans,
    callbacks,
    imports,
    exports,
    reports,
    jobs,
    docs,
    lines,
    metrics,
    numbers,
    system,
    traces,
    audit,
    bearers,
    session,
    users,
    webhooks,
    figures,
    flows,
    scripts,
    prompts,
    agents,
    carriers,
    plan,
    configuration,
)
