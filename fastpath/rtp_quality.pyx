# cython: auto_pickle=False, autotestdict=False
"""How a call sounded: the E-model of ITU-T G.107 (06/2015), simplified for G.711.

- R0 - Is is 93.2, the model's default with default values everywhere else (7.1).
- Ie,eff = Ie + (95 - Ie) * Ppl / (Ppl / BurstR + Bpl) (7.5), with Ie 0 and Bpl 25.1: G.711 with the
  concealment of its Appendix I (G.113 Table I.4). BurstR is the mean length of a stretch of lost
  packets over what it would be by chance.
- Id is Cole and Rosenbluth's fit of 7.4 (ACM CCR 31(2), 2001): 0.024 d + 0.11 (d - 177.3) above
  177.3 ms.
- R becomes MOS by Annex B.
"""

cdef enum:
    PACKET_MS = 20


cdef double quality_mos(double loss, double run_mean, double delay_ms) noexcept nogil:
    cdef double percent = 100.0 * min(max(loss, 0.0), 1.0)
    cdef double burst = max(run_mean * (1.0 - percent / 100.0), 1.0)
    cdef double r = 93.2 - 95.0 * percent / (percent / burst + 25.1) - 0.024 * delay_ms
    if delay_ms > 177.3:
        r -= 0.11 * (delay_ms - 177.3)
    if r <= 0.0:
        return 1.0
    return max(1.0, 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6)


cdef double quality_delay_ms(double rtt_ms, double jitter_ms) noexcept nogil:
    """One way: half the way there and back, a packet, and a buffer of twice the jitter."""
    return rtt_ms / 2.0 + PACKET_MS + 2.0 * jitter_ms


def mos(double loss, double run_mean=1.0, double delay_ms=PACKET_MS):
    return quality_mos(loss, run_mean, delay_ms)
