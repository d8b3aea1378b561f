"""Keeps the secrets of links out of the logs: an address that holds one is cut before it is written."""

from __future__ import annotations

import logging
import re

__all__ = ["WithoutLinks"]

LINK = re.compile(r"(/q/)[^/\s?#\"']+")


class WithoutLinks(logging.Filter):
    """Take the secret out of every line.

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
        return True
