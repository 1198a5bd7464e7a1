"""Productions of the SIP grammar, for `sipscan`; nothing here can be called from Python."""
