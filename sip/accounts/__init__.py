"""Accounts: who we are to others (digest, REGISTER), and who others are to us."""
