"""The engine's prompts: reachable through MediaEngine (see rtp_prompts.pxd)."""

from typing_extensions import disjoint_base

@disjoint_base
class Prompts:
    """Prompts by an id that is never used twice."""

__pyx_capi__: dict[str, object]
