"""Watching over a course: the protocol's reasons to stop, long-term monitoring, warnings about other drugs."""
