"""Values of SIP header fields, for `sipscan`; nothing here can be called from Python."""
