"""How a call sounded, of what was counted."""

def mos(loss: float, run_mean: float = 1.0, delay_ms: float = 20.0) -> float:
    """Estimated MOS (1.0 to 4.4) of G.711 by the E-model, ITU-T G.107 with its default values.

    `loss` is the part of packets lost, 0 to 1, `run_mean` how many are lost in a row, `delay_ms`
    the way from mouth to ear.
    """

__pyx_capi__: dict[str, object]
