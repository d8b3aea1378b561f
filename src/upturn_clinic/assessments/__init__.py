"""Ratings: what is due, entered by staff or by participants themselves, scored, corrected, and drawn over time."""
