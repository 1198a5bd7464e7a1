"""What is told as it happens: the event stream."""
