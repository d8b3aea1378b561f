"""People who take part: screening, consent, enrolment, randomisation, withdrawal; who they are is kept apart.

What lives here: everything about a participant that is known before and around treatment. What does not: visits and
doses (``treatments``), and what a protocol asks for (``programmes`` and the library).
"""
