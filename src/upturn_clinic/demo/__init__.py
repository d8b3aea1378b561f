"""A clinic to look around in: one invented facility, its staff, and virtual people at every stage.

What lives here: making it, by the same actions that the pages call. What does not: anything that a real clinic needs.
"""
