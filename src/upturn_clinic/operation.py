"""The clinic's own numbers, read from ``parameters/operation.yaml``. What does not live here: any number."""

from __future__ import annotations

from datetime import timedelta

from upturn.parameters import read

__all__ = [
           "ACTIVITY_NOTED",
           "COUNTERS_KEPT",
           "EMERGENCY_ACCESS",
           "EMERGENCY_NOTED",
           "FAILURES_EVERYWHERE",
           "FORM_ANSWERS_KEPT",
           "IDLE_LOGOUT",
           "IDLE_WARNING",
           "INVITATION_VALID",
           "LETTER_TIMEOUT",
           "LONGEST_PAGE_NOTED",
           "LONGEST_REASON",
           "LONGEST_SEARCH",
           "PAGE_ROWS",
           "PASSWORD_LENGTH",
           "PASSWORD_LETTERS",
           "PASSWORD_LINK_VALID",
           "PROOF_VALID",
           "REFUSALS_NOTED_EACH",
           "REFUSALS_NOTED_IN_ALL",
           "REPEAT_WAIT",
           "SEARCHES_KEPT",
           "SESSION_LENGTH",
           "SHORTEST_REASON",
]  # fmt: skip

_NUMBERS = read("upturn_clinic", "operation")

IDLE_LOGOUT = timedelta(minutes=_NUMBERS.value("idle_logout_min"))
IDLE_WARNING = timedelta(minutes=_NUMBERS.value("idle_warning_min"))
SESSION_LENGTH = timedelta(hours=_NUMBERS.value("session_length_h"))
INVITATION_VALID = timedelta(days=_NUMBERS.value("invitation_valid_d"))
PROOF_VALID = timedelta(minutes=_NUMBERS.value("proof_valid_min"))
EMERGENCY_ACCESS = timedelta(hours=_NUMBERS.value("emergency_access_h"))
EMERGENCY_NOTED = timedelta(minutes=_NUMBERS.value("emergency_noted_min"))
FORM_ANSWERS_KEPT = timedelta(days=_NUMBERS.value("form_answers_kept_d"))
ACTIVITY_NOTED = timedelta(seconds=_NUMBERS.value("activity_noted_s"))
PASSWORD_LENGTH = int(_NUMBERS.value("password_length_min"))
LONGEST_REASON = int(_NUMBERS.value("longest_reason"))
SHORTEST_REASON = int(_NUMBERS.value("shortest_reason"))
PAGE_ROWS = int(_NUMBERS.value("page_rows"))
REPEAT_WAIT = timedelta(seconds=_NUMBERS.value("repeat_wait_s"))
LETTER_TIMEOUT = timedelta(seconds=_NUMBERS.value("letter_timeout_s"))
COUNTERS_KEPT = int(_NUMBERS.value("counters_kept"))
REFUSALS_NOTED_EACH = int(_NUMBERS.value("refusals_noted_each_h"))
REFUSALS_NOTED_IN_ALL = int(_NUMBERS.value("refusals_noted_in_all_h"))
LONGEST_PAGE_NOTED = int(_NUMBERS.value("longest_page_noted"))
PASSWORD_LETTERS = int(_NUMBERS.value("password_letters_h"))
FAILURES_EVERYWHERE = int(_NUMBERS.value("failures_everywhere"))
SEARCHES_KEPT = int(_NUMBERS.value("searches_kept"))
LONGEST_SEARCH = int(_NUMBERS.value("longest_search"))
PASSWORD_LINK_VALID = timedelta(hours=_NUMBERS.value("password_link_valid_h"))
