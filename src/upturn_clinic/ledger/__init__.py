"""The audit trail: every write of the clinic passes here, with its row in one chain.

What lives here: writing (``insert``, ``change``, ``note``, ``forget``), the chained entries, their verification, the
keys of what is sealed in them, and that a form sent twice is written once. What does not: pages (the app ``audit``), or
who may write (the app ``accounts``). It lies below ``accounts`` because accounts write too; a person and a facility are
therefore known only by their keys.
"""
