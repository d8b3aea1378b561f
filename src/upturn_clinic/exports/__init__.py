"""What leaves the clinic: de-identified records for analysts, and the monitoring forms of a drug, filled and printed.

What lives here: gathering what the rooms below hold. What does not: any record of care; and nothing is sent from here.
"""
