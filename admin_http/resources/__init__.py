"""The resources of `/v1`, one file each: thin, each a question to the daemon or to the store.

Importing a module registers its routes.
"""

from __future__ import annotations

from typing import Final

from admin_http.resources import campaigns, docs, lines, lists, metrics, numbers, system

MODULES: Final = (campaigns, docs, lines, lists, metrics, numbers, system)
