"""The register of controlled drugs: what came in, what was drawn, checked, given, wasted, counted; what must be there.

What lives here: lots, draws and the rows of the register, which only grow. What does not: the amount that a dose needs
(``treatments.dosing``) and what happens to a person (``floor``).
"""
