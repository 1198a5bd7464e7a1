"""GSM modem banks over AT commands (3GPP TS 27.007)."""
