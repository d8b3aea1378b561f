"""Where the command line finds a protocol: shipped, a published trial, or a file.

What lives here: names. What does not: the trials (``evidence``) and the files (``protocol``).
"""

from __future__ import annotations

from upturn import evidence, protocol
from upturn.protocol import Protocol

__all__ = ["names", "open_protocol"]


def names() -> tuple[str, ...]:
    """Name every protocol that needs no file: the shipped ones, then the published trials."""
    return (*protocol.shipped(), *evidence.protocol_names())


def open_protocol(source: str) -> Protocol:
    """Give a protocol by its name, or from its file.

    Raises
    ------
    ProtocolError
        An unknown name, or a file with faults.
    EvidenceError
        A published trial that a protocol cannot express, with the reason.

    Examples
    --------
    >>> open_protocol("synapse-2018").id
    'synapse-2018'
    """
    published = {trial.lower().replace("_", "-") for trial in evidence.trials()}
    if source.lower().replace("_", "-") in published:
        return evidence.trial_protocol(source)
    return protocol.load(source)
