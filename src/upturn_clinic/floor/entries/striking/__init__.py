"""Striking an entry out, with a reason; it stays in sight."""
