"""dialerd: a high-throughput SIP/RTP and GSM dialing daemon."""

__version__ = "0.1.0"
