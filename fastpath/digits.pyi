"""The scan of a text for groups of digits: the first half of reading a phone number.

For Cython only (see `digits.pxd`); Python reads numbers with `fastpath.numbers.Numbering`.
"""

__pyx_capi__: dict[str, object]
