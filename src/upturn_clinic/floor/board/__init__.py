"""The floor board: all rooms at a glance. It reads only, and it is no alarm."""
