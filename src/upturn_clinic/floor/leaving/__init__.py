"""Leaving: the protocol's discharge list, ready and left as two times, and the sheet to take home."""
