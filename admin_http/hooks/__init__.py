"""Webhooks: who outside is told of calls that are over."""
