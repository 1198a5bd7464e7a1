"""Batched datagrams of one non-blocking IPv4 UDP socket: recvmmsg, sendmmsg, the error queue."""

from typing import Final, final

BATCH_MAX: Final[int]

@final
class Batch:
    """Works on a file descriptor that somebody else owns. Set IP_RECVERR on it, or `errors` finds nothing."""

    def __init__(self, fd: int) -> None: ...
    @property
    def fd(self) -> int: ...
    def receive(self) -> list[tuple[bytes, tuple[str, int]]]:
        """Up to BATCH_MAX datagrams with their senders; empty when there are none, or an error came instead."""
    def send(self, datagrams: list[tuple[bytes, tuple[str, int]]], first: int = 0) -> int:
        """Send them in order from index `first`; the index after the last that left or was given up.

        Less than the length: the socket or the device is full, try again when it is writable. A datagram that the
        kernel refuses twice (too large, no route, not an address) is counted in `failed` and skipped.
        """
    def errors(self) -> list[tuple[tuple[str, int], int]]:
        """ICMP errors that say nobody is there: (destination of the lost datagram, errno)."""
    @property
    def troubled(self) -> bool:
        """Whether a call has failed since `errors` was read."""
    @property
    def received(self) -> int: ...
    @property
    def sent(self) -> int: ...
    @property
    def truncated(self) -> int: ...
    @property
    def blocked(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def receive_calls(self) -> int: ...
    @property
    def send_calls(self) -> int: ...
