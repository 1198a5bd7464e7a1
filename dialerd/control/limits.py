"""The bounds of the control socket, and what happens at each of them."""

from __future__ import annotations

from typing import Final

REQUEST_BYTES_MAX: Final = 1 << 20  # a larger request closes the connection
REPLY_BYTES_MAX: Final = 16 << 20  # a client drops a daemon that sends more
CONTAINER_MAX: Final = 4096  # elements of one list in a request; more end the connection
REPLY_CONTAINER_MAX: Final = 1 << 20  # the same in a reply
CLIENTS_MAX: Final = 256  # one more is turned away with UNAVAILABLE
REQUESTS_IN_FLIGHT_MAX: Final = 32  # of one client; the next waits unread in its socket
SUBSCRIPTIONS_MAX: Final = 8  # of one client; one more is refused
EVENTS_QUEUED_MAX: Final = 1024  # of one subscription; then the newest are counted as lost
OUTPUT_BYTES_MAX: Final = 4 << 20  # written and unread by a client; then it is dropped
RING_EVENTS_MAX: Final = 4096  # kept for resuming after a lost connection
EVENT_BYTES_MAX: Final = 64 << 10  # a larger event is not sent, only counted as lost
