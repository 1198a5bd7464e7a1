"""The bounds of the HTTP API, and what happens at each of them."""

from __future__ import annotations

from typing import Final

BODY_BYTES_MAX: Final = 1 << 20  # larger: 413
BODY_S: Final = 20.0  # how long a body may take to arrive; then 408
HEAD_S: Final = 12.0  # how long a request line and its headers may take; then it is closed
BACKLOG: Final = 512  # connections that wait to be accepted; one more waits by TCP
KEEPALIVE_S: Final = 75.0  # a connection that asks nothing more for so long is closed
URL_CHARS_MAX: Final = 8_190  # longer request lines and headers: 400
NUMBERS_MAX: Final = 1_000  # in one numbers:analyze; more: 422
NUMBER_CHARS_MAX: Final = 200
TOKENS_MAX: Final = 1_000  # in the token file; one more is refused
TOKEN_CHARS_MAX: Final = 200  # of a bearer token; longer: 401
STREAMS_MAX: Final = 200  # event streams at a time; one more: 503 with Retry-After
STREAM_WRITE_S: Final = 20.0  # a stream that takes no byte for so long is closed
HEARTBEAT_S: Final = 15.0  # a comment on a silent stream, so that proxies keep it open
REPORTS_MAX: Final = 4  # reports at a time; one more: 503 with Retry-After
REPORT_CHUNK_ROWS: Final = 200  # leads read in one short transaction
REPORT_HERE_LEADS: Final = 2_000  # a campaign of more has its report made by another process
RETRY_AFTER_S: Final = 2
CONTROL_S: Final = 10.0  # how long the daemon may take to answer; then 503
SOCKETS_MAX: Final = 2_000  # agents' sockets at a time; one more: 503 with Retry-After
AGENT_MESSAGE_BYTES_MAX: Final = 1 << 16  # of an agent's socket; larger: closed with 1009
AGENT_RATE: Final = (20.0, 60.0)  # messages a second of an agent, and at once; more: refused
ASKERS_MAX: Final = 10_000  # buckets of requests that are remembered, of each kind
TOKEN_RATE: Final = (4_000.0, 8_000.0)  # requests a second of one token or session, and at once
ADDRESS_RATE: Final = (50.0, 500.0)  # the same of an address that shows neither
FILE_CHUNK_BYTES: Final = 64 << 10  # of a file that is sent or taken, in memory
USERS_MAX: Final = 10_000
PASSWORD_CHARS_MIN: Final = 12
PASSWORD_CHARS_MAX: Final = 256
HASHES_AT_ONCE: Final = 2  # passwords that are looked at at a time
HASHES_WAITING: Final = 32  # those and the waiting ones; one more: 503
LOCK_S_MAX: Final = 900  # how long who guesses passwords waits at most between two
SESSIONS_OF_USER_MAX: Final = 20  # one more ends the one that was unused for longest
AUDIT_ENTRIES_MAX: Final = 500_000  # then the oldest go
AUDIT_TEXT_MAX: Final = 300  # characters of a text of an entry
ANSWER_S: Final = 86_400  # how long the answer to an Idempotency-Key is kept
ANSWERS_MAX: Final = 4_000  # of them; then the oldest goes
ANSWERS_BYTES_MAX: Final = 128 << 20  # of the bodies of all of them; then the oldest goes
ANSWER_BYTES_MAX: Final = 128 << 10  # of one body; a larger one is kept without it
JOBS_RUNNING_MAX: Final = 2
JOBS_WAITING_MAX: Final = 16  # one more: 503 with Retry-After
JOBS_KEPT_MAX: Final = 500  # then the oldest is forgotten, with its files
JOB_KEPT_S: Final = 7 * 86_400
UPLOAD_BYTES_MAX: Final = 256 << 20  # of one file; larger: 413
UPLOAD_S: Final = 900.0  # how long a file may take to arrive; then 408
UPLOAD_CHUNK_S: Final = 20.0  # how long it may pause; then 408
UPLOADS_MAX: Final = 4  # at a time; one more: 503 with Retry-After
IMPORT_ROWS_MAX: Final = 1_100_000  # of a workbook's sheet, which has 1,048,576 at most
CSV_BYTES_MAX: Final = 1 << 30  # of what a workbook becomes
PROMPT_IMPORTS_MAX: Final = 2  # recordings made into prompts at a time; one more: 503
PROMPT_IMPORT_S: Final = 300.0  # how long that may take; then it is ended
WORKBOOK_MEMORY_BYTES: Final = 768 << 20  # of the process that reads one
