"""Which acts a dose has, by the way it is given; what each does to it. No table and no rule about when."""

from __future__ import annotations

from upturn_clinic.floor.asked import Way
from upturn_clinic.floor.models import Administration

__all__ = ["FIRST", "FITTING", "GIVING", "MISSED"]

KIND = Administration.Kind
FITTING = {
    Way.INFUSION: {KIND.START, KIND.PAUSE, KIND.RESUME, KIND.RATE, KIND.STOP},
    Way.DEVICES: {KIND.DEVICE, KIND.STOP},
    Way.AT_ONCE: {KIND.GIVEN, KIND.STOP},
}
# What begins it.
FIRST = {Way.INFUSION: KIND.START, Way.DEVICES: KIND.DEVICE, Way.AT_ONCE: KIND.GIVEN}
# What gives something, at once or from then on.
GIVING = (KIND.START, KIND.RESUME, KIND.DEVICE, KIND.GIVEN)
# What can be added later, between what is there.
MISSED = (KIND.PAUSE, KIND.RESUME, KIND.RATE, KIND.DEVICE)
