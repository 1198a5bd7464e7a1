"""How a call sounded, of what was counted (ITU-T G.107). Pure."""

cdef double quality_mos(double loss, double run_mean, double delay_ms) noexcept nogil
cdef double quality_delay_ms(double rtt_ms, double jitter_ms) noexcept nogil
