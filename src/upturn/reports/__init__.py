"""The answer for a reader: one page that works offline, and tables for a terminal.

The only room that draws. ``write_html`` writes a self-contained report.html; ``terminal`` gives what ``rich`` prints.
"""

from upturn.reports.page import write_html
from upturn.reports.terminal import terminal

__all__ = ["terminal", "write_html"]
