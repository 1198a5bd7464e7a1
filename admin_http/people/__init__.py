"""Who may do what: people, their sessions and tokens, what a role sees, and who did what."""
