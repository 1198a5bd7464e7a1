"""Two blocks in a row that may hold the same key: how well two tones explain both of them."""

from libc.stdint cimport int16_t

cdef struct DtmfPair:
    float off[2]  # by which part of itself the row's, the column's frequency is off
    float power[2][2]  # of row and column, now and before
    float pure  # part of the energy of both blocks that is those tones

cdef void pair_fit(
    const int16_t *now, const int16_t *before, int row, int column, float row_off,
    float column_off, DtmfPair *p,
) noexcept nogil
