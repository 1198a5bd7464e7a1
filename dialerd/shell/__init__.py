"""The real-world driver: uvloop, sockets, the media engine, the store writer."""
