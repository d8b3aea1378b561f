"""Screening: criteria from the protocol's gates, treatment history, baseline measures, consent.

What lives here: recording them, and what still stands in the way of enrolment. What does not: enrolment itself.
"""
