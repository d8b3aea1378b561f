"""Run a protocol for a population of virtual people, and answer: how fast, for whom, how long.

``answer`` is the main job; ``upturn.trials.simulate`` writes the records that a clinic would have written.
"""

from upturn.trials.answer import answer
from upturn.trials.exposure import Exposure, exposure
from upturn.trials.findings import Answer
from upturn.trials.summary import Interval

__all__ = ["Answer", "Exposure", "Interval", "answer", "exposure"]
