"""Entries: what a page sends while a session runs, one by one or many at once after a cut connection."""
