"""One person's course: doses in, concentrations, occupancy, surge and growth out.

``plan`` lays out the timetable (fixed before compilation), ``propagate`` carries a :class:`Body` through it. The
rooms below do not know each other; here the kinetics, the receptor and the two plastic states become one chain.
"""

from upturn.chain.plan import Occasion, Plan, plan
from upturn.chain.propagate import Body, Boundary, Course, propagate

__all__ = ["Body", "Boundary", "Course", "Occasion", "Plan", "plan", "propagate"]
