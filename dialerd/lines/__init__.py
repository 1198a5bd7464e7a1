"""Adapters between protocol machines (sip, gsm) and the core's notion of a line."""
