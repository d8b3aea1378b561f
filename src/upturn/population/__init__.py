"""Who is treated, and what differs between trials.

``draw_trial`` draws the numbers that a new trial would have (uncertainty and trial-level effects), ``draw_person``
one person of a protocol's population. Effects are zero-centred for every covariate until trials have been fitted.
"""

from upturn.population.person import TRAITS, Person, draw_person, numbers
from upturn.population.trial import draw_trial, typical_trial, uncertain

__all__ = ["TRAITS", "Person", "draw_person", "draw_trial", "numbers", "typical_trial", "uncertain"]
