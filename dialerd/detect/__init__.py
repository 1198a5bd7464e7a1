"""Hearing who and what answered: the model, and whole files as the daemon hears a call."""
