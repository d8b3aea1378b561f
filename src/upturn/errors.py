"""The exception tree.

::

    UpturnError                  something could not be done            (exit code 1)
    ├── CannotError              the request was sound, the machine was not able
    └── InputError               what came in was not what was expected (exit code 2)
        ├── UnitError            a quantity without unit, or in the wrong dimension
        ├── RecordsError         a table that does not fit its schema: row, column, value
        ├── ProtocolError        a protocol file: the path inside the document
        ├── ParameterError       a parameter file, or a parameter that a model does not have
        ├── EvidenceError        a table of published numbers: row, column, value
        └── OutputError          a place that cannot be written

Every error says what was expected, what came, where, and what to do now, in words a clinician can read.
"""

from __future__ import annotations

__all__ = [
    "CannotError",
    "EvidenceError",
    "InputError",
    "OutputError",
    "ParameterError",
    "ProtocolError",
    "RecordsError",
    "UnitError",
    "UpturnError",
]


class UpturnError(Exception):
    """Say what went wrong: the fault, then what was expected, what came, where, and what to do.

    Parameters
    ----------
    fault
        One sentence in plain words, without Python.
    expected, came, where, remedy
        The four parts of a helpful message; each may be left out when it would repeat the fault.

    Examples
    --------
    >>> print(UnitError("The amount has no unit.", expected="a mass, such as 0.5 mg/kg", came="0.5"))
    The amount has no unit.
      expected:   a mass, such as 0.5 mg/kg
      came:       0.5
    """

    exit_code = 1

    def __init__(
        self,
        fault: str,
        *,
        expected: str | None = None,
        came: str | None = None,
        where: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.fault = fault
        self.expected = expected
        self.came = came
        self.where = where
        self.remedy = remedy
        super().__init__(fault)

    def __str__(self) -> str:
        parts = (
            ("expected", self.expected),
            ("came", self.came),
            ("where", self.where),
            ("what to do", self.remedy),
        )
        lines = [f"  {name + ':':<12}{text}" for name, text in parts if text]
        return "\n".join([self.fault, *lines])


class CannotError(UpturnError):
    """The request was sound, but this machine or model is not able to fulfil it."""


class InputError(UpturnError):
    """What came in was not what was expected."""

    exit_code = 2


class UnitError(InputError):
    """A quantity without unit, or in the wrong dimension."""


class RecordsError(InputError):
    """A table that does not fit its schema; names row, column and value."""


class ProtocolError(InputError):
    """A protocol file that cannot be used; names the path inside the document."""


class ParameterError(InputError):
    """A parameter file that cannot be used, or a parameter that the model does not have."""


class EvidenceError(InputError):
    """A table of published numbers that cannot be used; names file, row, column and value."""


class OutputError(InputError):
    """A place that cannot be written."""
