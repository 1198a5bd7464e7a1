"""Calls: the two kinds of leg, their dialogs, and one file for each thing that a leg can do."""
