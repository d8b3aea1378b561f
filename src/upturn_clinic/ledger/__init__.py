"""The audit trail: every write of the clinic passes here, with its row in one chain.

What lives here: writing (``insert``, ``change``, ``note``), the chained entries, their verification. What does not:
pages (the app ``audit``), or who may write (the app ``accounts``). It lies below ``accounts`` because accounts write
too; a person and a facility are therefore known only by their keys.
"""
