"""IP addresses of both families as one number. Nothing of it is Python's."""
