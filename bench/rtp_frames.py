"""RTP of one stream in memory, as a media thread does it: frames out, the same packets in."""

from __future__ import annotations

from fastpath.rtp_receive import RtpReceiver
from fastpath.rtp_send import RtpSender

PEER = ("192.0.2.2", 40_000)
FRAME_NS = 20_000_000
PROMPT = bytes(range(256)) * 625  # 20 s


class Stream:
    """A sender that loops a prompt, and a receiver that hears it."""

    def __init__(self) -> None:
        """PCMU, telephone-event 101."""
        self.sender = RtpSender(1, 1, 0)
        self.sender.connect(0, 101)
        self.sender.play(PROMPT, PROMPT, 1, loop=True)
        self.receiver = RtpReceiver()
        self.receiver.connect(*PEER, 101)
        self.number = 0

    def run(self, frames: int) -> None:
        """So many frames, 20 ms apart."""
        for _ in range(frames):
            for packet in self.sender.frame(self.number)[0]:
                self.receiver.packet(packet, PEER, self.number * FRAME_NS)
            self.number += 1
