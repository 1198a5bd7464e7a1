"""What was said on the wire: kept for a while, drawn, written for Wireshark and Homer."""
