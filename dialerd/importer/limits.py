"""The bounds of an import, and what happens at each of them."""

from __future__ import annotations

from typing import Final

# A row past these is refused with its number and the reason; the import goes on.
LINE_CHARS_MAX: Final = 65_536  # one line of the file; the rest of it is passed over
ROW_LINES_MAX: Final = 32  # lines a quoted text may span
ROW_CHARS_MAX: Final = 15_000  # all cells and all column names; the store takes 64 KiB a row
FIELD_CHARS_MAX: Final = 8_000
COLUMNS_MAX: Final = 200  # also of the header: a wider one is an error

NAME_CHARS_MAX: Final = 100  # of a column's name: cut

SAMPLE_ROWS: Final = 200  # looked at to find delimiter, header and phone column
SAMPLE_CHARS: Final = 262_144
RUN_LINES: Final = 200  # read at once while they hold no quotation mark
CHUNK_BYTES: Final = 1 << 20  # read at a time while the encoding is found out

BATCH_ROWS: Final = 1_000  # of the file in one commit, for which the calls of a daemon wait
# Further batches at the store before the import waits for it. None: a commit holds the lock for
# which a daemon's commits wait, and would share its interpreter with who reads on. Rows are read
# while the store lets others write.
BATCHES_IN_FLIGHT: Final = 0

REJECT_TEXT_CHARS_MAX: Final = 500  # of the original text in the reject file: cut
DRY_RUN_NUMBERS_MAX: Final = 5_000_000  # remembered by a dry run; later duplicates are not seen
