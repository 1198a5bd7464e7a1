"""How late a peer's packets are: no Python face; tested through `rtp_jitter`."""

__pyx_capi__: dict[str, object]
