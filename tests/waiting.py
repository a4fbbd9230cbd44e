"""How long a test waits for something to happen before it calls that a hang."""

HANG = 600.0
"""Seconds: ten times and more what the slowest event takes, so that no slow or busy machine gets there."""
