"""SIP messages (RFC 3261 sections 7, 19, 20, 25): read, written, and what their fields mean."""
