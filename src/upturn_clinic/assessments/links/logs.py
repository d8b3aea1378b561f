"""Keeps the secrets of links and the values of records out of the logs: both are cut before a line is written."""

from __future__ import annotations

import logging
import re

__all__ = ["WithoutLinks"]

# PostgreSQL tells here the values that it refused.
DETAIL = re.compile(r"^DETAIL:.*$", re.MULTILINE)
# A participant's questionnaires, an invitation, the two ways to a new password.
LINK = re.compile(r"(/(?:q|invitation|new-password|password/new)/)[^/\s?#\"']+")


class WithoutLinks(logging.Filter):
    """Take the secret out of every line, and out of a fault what the database tells of values.

    Examples
    --------
    >>> line = logging.LogRecord("x", logging.WARNING, "", 0, "Not Found: %s", ("/q/abc:def:ghi/",), None)
    >>> WithoutLinks().filter(line), line.getMessage()
    (True, 'Not Found: /q/…/')
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the line; every line is written."""
        text = record.getMessage()
        if LINK.search(text):
            record.msg, record.args = LINK.sub(r"\1…", text), ()
        if record.exc_info:
            record.exc_text = DETAIL.sub("DETAIL: left out", logging.Formatter().formatException(record.exc_info))
        return True
