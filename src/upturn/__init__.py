"""How fast do rapid-acting antidepressants work, for whom, and how long does it last?

One protocol file is simulated with virtual people, run with real people, and learnt from. The rooms are
described in the README; each room's ``__init__`` names its doors.
"""

from importlib.metadata import version

__version__ = version("upturn")
