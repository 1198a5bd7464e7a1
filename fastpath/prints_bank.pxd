"""The fingerprints of recordings in a row, as every call reads them. Nothing in it ever changes."""

from libc.stdint cimport int32_t, uint8_t, uint16_t

cdef enum:
    PRINTS_REFS_MAX = 1024
    PRINTS_BANK_MAX = 65536  # prints of a bank, 16 ms each: 17 minutes
    COMMON_STEPS = 20  # of two prints: so long a stretch is looked at at once
    COMMON_MIN = 187  # prints on end: 3 s; what is shorter cannot make a match of 4 s sure

cdef enum:  # what is known of one print of a bank
    PRINT_SILENT = 1
    PRINT_SHARED = 2  # recordings of another kind have it as well: it says little

cdef struct PrintRef:
    int32_t begin  # its first print in the bank
    int32_t end
    int32_t kind  # recordings of one kind need not be told apart

cdef struct Bank:
    int32_t refs
    int32_t prints
    PrintRef *ref
    uint16_t *code
    uint8_t *flags

cdef class PrintBank:
    cdef Bank bank
    cdef object kept  # the memory behind it
