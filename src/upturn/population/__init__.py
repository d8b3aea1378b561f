"""Who is treated, and what differs between trials.

``draw_trial`` draws the numbers that a new trial would have (uncertainty and trial-level effects), ``draw_person``
one person of a protocol's population; ``adverse_event_chance`` says how likely an event is in a course. The numbers
come from the shipped posterior; effects of covariates stay
zero-centred, because no trial has informed them.
"""

from upturn.population.adverse_events import (
    ADVERSE_EVENTS,
    adverse_event_chance,
    adverse_event_numbers,
    with_own_adverse_events,
)
from upturn.population.person import TRAITS, Person, draw_person, numbers, population_numbers
from upturn.population.posterior import (
    INFORMED,
    Checked,
    Learnt,
    Posterior,
    read_posterior,
    shipped_posterior,
    write_posterior,
)
from upturn.population.trial import TRIAL_EFFECTS, draw_trial, trial_effects, typical_trial

__all__ = [
    "ADVERSE_EVENTS",
    "INFORMED",
    "TRAITS",
    "TRIAL_EFFECTS",
    "Checked",
    "Learnt",
    "Person",
    "Posterior",
    "adverse_event_chance",
    "adverse_event_numbers",
    "draw_person",
    "draw_trial",
    "numbers",
    "population_numbers",
    "read_posterior",
    "shipped_posterior",
    "trial_effects",
    "typical_trial",
    "with_own_adverse_events",
    "write_posterior",
]
