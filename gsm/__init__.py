"""GSM modem banks over AT commands (3GPP TS 27.007). The port machines arrive with their own step."""
