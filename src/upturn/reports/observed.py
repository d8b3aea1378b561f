"""What was observed, beside what was expected: sentences and tables.

What lives here: the words of what was observed. What does not: marks (``figures``), any endpoint (``trials``).
"""

from __future__ import annotations

from html import escape

from upturn.reports.reading import arm_of
from upturn.reports.tables import NONE, table
from upturn.reports.words import between, duration, percent, prose, remission, sentence_case, signed, with_interval
from upturn.trials import Answer
from upturn.trials.findings import ArmAnswer
from upturn.trials.observed import Observed, ObservedArm, Share

__all__ = ["observed_rows", "observed_section", "observed_sentences", "people_in_words"]

PEAK_NAMES = {
    "dissociation": "Dissociation (CADSS points)",
    "systolic": "Rise of systolic pressure (mmHg)",
    "diastolic": "Rise of diastolic pressure (mmHg)",
}


def people_in_words(count: int) -> str:
    """Count people.

    Examples
    --------
    >>> people_in_words(1), people_in_words(7)
    ('1 person', '7 people')
    """
    return "1 person" if count == 1 else f"{count} people"


def share_in_words(share: Share) -> str:
    """Write so many of so many; the percentage only beside it.

    Examples
    --------
    >>> share_in_words(Share(3, 7)), share_in_words(Share(0, 0))
    ('3 of 7 (43 %)', '–')
    """
    return NONE if not share.of else f"{share.yes} of {share.of} ({percent(share.yes / share.of)})"


def observed_sentences(answer: Answer) -> list[str]:
    """Say who was observed, and how the last common rating compares with what the model expects."""
    observed = answer.observed
    if observed is None:
        return []
    said = [
        f"Observed: {people_in_words(observed.people)} in {len(observed.arms)} "
        f"{'arm' if len(observed.arms) == 1 else 'arms'}."
    ]
    for arm in observed.arms:
        title = arm_of(answer, arm.id).title
        if not arm.at:
            said.append(f"{title}: {people_in_words(arm.people)}, none rated both before and after the first dose yet.")
            continue
        last = max(arm.at, key=lambda row: (row.people, row.time_h))
        inside = _is_inside(last.mean_change, last.expected_change.low90, last.expected_change.high90)
        said.append(
            f"{title}: {people_in_words(last.people)} rated at {duration(last.time_h)}; mean change "
            f"{signed(last.mean_change)} MADRS points, {'inside' if inside else 'outside'} what nine of ten groups of "
            f"{last.people} are expected to show ({between(last.expected_change, 90, signed)})."
        )
    return said


def _is_inside(value: float, low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and low <= value <= high


def observed_rows(arm: ObservedArm) -> tuple[list[str], list[list[str]]]:
    """Give the head and the rows of one arm's table."""
    names = list(arm.at[0].remission) if arm.at else []
    head = ["Time", "Rated", "Observed change", "Expected of such a group (90 %)", "In response", "Expected (90 %)",
            *(remission(name) for name in names)]  # fmt: skip
    rows = [
        [
            duration(row.time_h), str(row.people), signed(row.mean_change), with_interval(row.expected_change, signed),
            share_in_words(row.response), with_interval(row.expected_response, percent),
            *(share_in_words(row.remission[name]) for name in names),
        ]
        for row in arm.at
    ]  # fmt: skip
    return head, rows


def observed_section(answer: Answer) -> str:
    """Write the section of the page."""
    observed = answer.observed
    if observed is None:
        return ""
    said = "".join(f"<p>{escape(each)}</p>" for each in observed_sentences(answer))
    arms = "".join(_arm(answer, arm) for arm in observed.arms)
    return (
        f"<p>{escape(prose('observed', 'what'))}</p>{said}<p>{escape(prose('observed', 'few'))}</p>"
        f"{arms}{_left_out(observed)}"
    )


def _arm(answer: Answer, arm: ObservedArm) -> str:
    expected = arm_of(answer, arm.id)
    head, rows = observed_rows(arm)
    caption = (
        f"Observed: {expected.title}, {people_in_words(arm.people)}; {arm.with_baseline} rated before the first dose."
    )
    times = table(f"observed-{arm.id}", caption, head, rows) if rows else ""
    facts = [["Ever in response", share_in_words(arm.ever_responded), with_interval(expected.ever_responded, percent)],
             ["Time to first response, the middle person", _or_none(arm.time_to_response_h),
              with_interval(expected.time_to_response_h, duration)]]  # fmt: skip
    if arm.sustained is not None and expected.sustained_by is not None:
        sustained = with_interval(expected.sustained_by, percent)
        facts.append(["Sustained response", share_in_words(arm.sustained), sustained])
    if arm.relapsed is not None:
        facts.append(["Relapsed so far, of those in response after the last planned dose",
                      share_in_words(arm.relapsed), NONE])  # fmt: skip
    facts += [
        [f"First session, peak: {PEAK_NAMES[name]}, {people_in_words(peak.people)}",
         with_interval(peak.over_people, signed), _expected_peak(expected, name)]
        for name, peak in arm.peaks.items()
    ]  # fmt: skip
    ends = table(f"observed-ends-{arm.id}", "Endpoints: observed, and what a new trial is expected to show",
                 ["Endpoint", "Observed", "Expected (90 %)"], facts)  # fmt: skip
    events = ""
    if arm.adverse_events:
        counted = [[sentence_case(term), f"{people} of {arm.people}"] for term, people in arm.adverse_events.items()]
        events = f"<p>{escape(prose('observed', 'serious'))}</p>" + table(
            f"observed-events-{arm.id}", "Adverse events: people with at least one", ["Event", "People"], counted
        )
    return f"<h3>{escape(expected.title)}</h3>{times}{ends}{events}"


def _expected_peak(arm: ArmAnswer, name: str) -> str:
    if arm.acute is None or name not in arm.acute.peak:
        return NONE
    return with_interval(arm.acute.peak[name], signed)


def _or_none(time_h: float | None) -> str:
    return "not reached" if time_h is None else duration(time_h)


def _left_out(observed: Observed) -> str:
    if not observed.left_out:
        return ""
    counted = "1 rating" if observed.left_out == 1 else f"{observed.left_out} ratings"
    return f"<p>{escape(prose('observed', 'left_out'))} Here: {counted} of {observed.ratings}.</p>"
