"""What to expect, and when: a participant's sheet from the protocol, the kept simulation and published side effects.

What lives here: short sentences for somebody of about twelve years and up, each number from one of the three. What does
not: a number of our own, HTML, and any advice: that is the clinician's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from upturn.protocol import Dose, Protocol, device_times_h
from upturn.protocol.values import Repeat
from upturn_clinic.ground.errors import Refused
from upturn_clinic.programmes.expected import Expected, Interval, Share
from upturn_clinic.programmes.pictures import People, people
from upturn_clinic.programmes.schedule import HOURS_IN_A_DAY
from upturn_clinic.programmes.side_effects import SideEffects, passing, side_effects
from upturn_clinic.programmes.sizes import FIRST_LOOK_H, PEOPLE, SECOND_LOOK_H

__all__ = ["Sheet", "arm_of_sheet", "arms_with_sheets", "danger_signs", "sheet"]

_HOW = {
    "intravenous": "It runs slowly into a vein in your arm.",
    "intranasal": "You spray it into your nose. A nurse is with you and shows you how.",
    "intramuscular": "A nurse gives it with a needle into a muscle.",
    "subcutaneous": "A nurse gives it with a small needle under the skin.",
    "sublingual": "You let it melt under your tongue.",
    "oral": "You swallow it.",
    "electric": "You sleep while it is done.",
}
_BESIDE = {
    "none": "",
    "ongoing antidepressant": "You also go on with the tablet for low mood that you take now.",
    "new antidepressant": "You also start a new tablet for low mood on the first day.",
}
_HOME = (
    "Do not drive on the day of a session. Do not ride a bike or use machines.",
    "Wait until the next day, after a good night of sleep.",
    "Somebody must take you home. Tell us their name before we start.",
    "Do not sign anything big that day.",
)
# What the gates of a protocol look for, in the words of every day; others stand as the protocol has them.
_SIGNS = {
    "chest pain": ("pain in the chest",),
    "breathlessness": ("hard breathing",),
    "sudden severe headache": ("a sudden bad headache",),
    "disturbed vision": ("trouble seeing",),
    "seizure": ("a fit",),
    "reduced consciousness": ("trouble staying awake",),
    "weakness or numbness on one side, or trouble speaking": ("weakness or numbness on one side", "trouble speaking"),
}
# Both are felt and raise the blood pressure for a while: upturn.evidence, the published adverse events.
_FELT = frozenset({"ketamine", "esketamine"})
_FEW = 8


@dataclass(frozen=True)
class Sheet:
    """The sheet, section by section; the template gives each its heading.

    Parameters
    ----------
    at_home
        Whether the drug is taken at home: no session is held.
    beside
        The title of the arm that this one is compared with; empty where there is none.
    """

    title: str
    at_home: bool
    visits: tuple[str, ...]
    session: tuple[str, ...]
    feelings: tuple[str, ...]
    passing: tuple[str, ...]
    effects: SideEffects | None
    effects_of_another: str
    home: tuple[str, ...]
    better: tuple[People, ...]
    beside: str
    better_beside: tuple[People, ...]
    better_words: tuple[str, ...]
    beside_words: tuple[str, ...]
    lasting: tuple[People, ...]
    lasting_words: tuple[str, ...]
    unknown: tuple[str, ...]
    danger: tuple[str, ...]


def arms_with_sheets(protocol: Protocol, among: Collection[str] | None = None) -> dict[str, str]:
    """Name the arms that a sheet can be made for: those in which something is given, of those that one can have."""
    can_have = protocol.arms if among is None else among
    return {name: arm.title for name, arm in protocol.arms.items() if arm.doses and name in can_have}


def arm_of_sheet(protocol: Protocol, wanted: str = "", *, among: Collection[str] | None = None) -> str | None:
    """Choose the arm of a sheet: the one asked for, else the first active one; None where nothing is given at all."""
    arms = arms_with_sheets(protocol, among)
    active = [name for name in arms if protocol.arms[name].role == "active"]
    return wanted if wanted in arms else next(iter([*active, *arms]), None)


def sheet(protocol: Protocol, arm: str, known: Expected | None, *, among: Collection[str] | None = None) -> Sheet:
    """Write the sheet of an arm.

    Parameters
    ----------
    protocol
        What is done.
    arm
        The arm; see :func:`arms_with_sheets`.
    known
        What is expected of this arm; nothing before it is computed.
    among
        The arms that somebody can have, if not all: the arm is compared with no other.

    Raises
    ------
    Refused
        Nothing is given in this arm, or there is no such arm.
    """
    if arm not in (possible := arms_with_sheets(protocol, among)):
        raise Refused("There is no sheet for this arm.", expected=", ".join(possible), came=arm)
    doses = protocol.arms[arm].doses
    main = max(doses, key=lambda dose: (dose.amount.value, -doses.index(dose)))
    effects = side_effects(main.drug, main.route, str(main.amount))
    other = "" if effects is None or effects.route == main.route else effects.route
    at_home = protocol.session is None or _is_daily(main)
    control = known.control_among(protocol.arms if among is None else among) if known else None
    return Sheet(
        title=protocol.arms[arm].title,
        at_home=at_home,
        visits=tuple(_visits(protocol, arm)),
        session=tuple(_at_home(main) if at_home else _session(protocol, main, arm)),
        feelings=() if at_home else tuple(_feelings(main, known)),
        passing=() if at_home else tuple(_passing(main, effects)),
        effects=effects,
        effects_of_another=other,
        home=("Ask your team if you can drive with this drug.",) if at_home else _HOME,
        better=_better(known),
        beside=control.title if control else "",
        better_beside=_better(control),
        better_words=tuple(_better_words(protocol, known)),
        beside_words=tuple(_beside_words(control)),
        lasting=_lasting(known),
        lasting_words=tuple(_lasting_words(protocol, known)),
        unknown=tuple(_unknown(protocol, arm, known)),
        danger=danger_signs(protocol, at_home=at_home),
    )


def _visits(protocol: Protocol, arm: str) -> Iterator[str]:
    doses = protocol.arms[arm].doses
    fixed = sorted({time for dose in doses for time in dose.on_h})
    if any(each.at_h < 0 for each in protocol.encounters):
        yield "Before you start, we meet to check that this is safe for you. You can ask all your questions."
    if len(fixed) == 1:
        yield "You have one treatment."
    elif all(_is_daily(dose) for dose in doses):
        yield f"You take the drug each day, from your first day until {_span(fixed[-1])} later."
    else:
        yield f"You have {len(fixed)} treatments within {_from_day_0(fixed[-1])}."
        if len(fixed) <= _FEW:
            days = [f"{time / HOURS_IN_A_DAY:g}" for time in fixed[1:]]
            yield f"The first one is on day 0. The next ones are on {_days(days)}."
    if _BESIDE[protocol.arms[arm].background]:
        yield _BESIDE[protocol.arms[arm].background]
    for dose in doses:
        if dose.is_adaptive:
            first, last = dose.candidate_times_h[0], dose.candidate_times_h[-1]
            yield (
                "If your low mood comes back, you may get one more treatment at a time. "
                f"That can be from {_span(first)} to {_span(last)} after the first one."
            )
    rated = {time for each in protocol.assessments if not each.arms or arm in each.arms for time in each.at_h}
    if rated:
        yield f"We ask about your mood often. The last time is {_span(max(rated))} after the first day."
    if len(protocol.arms) > 1:
        yield (
            "This plan has more than one group. People in each group get a different treatment. "
            "Your team tells you how your group is picked, and if you will know which one it is."
        )


def _is_daily(dose: Dose) -> bool:
    """Whether a dose is taken every day, at home: no session is held for it."""
    return isinstance(dose.on, Repeat) and dose.on.every_h <= HOURS_IN_A_DAY


def _at_home(dose: Dose) -> Iterator[str]:
    yield f"You take it at home, each day. {_HOW[dose.route]}"


def _session(protocol: Protocol, dose: Dose, arm: str) -> Iterator[str]:
    yield _HOW[dose.route] + (f" This takes {_span(dose.over_h)}." if dose.over_h else "")
    bottles = sorted({len(each.device_mg) for each in protocol.arms[arm].doses if each.device_mg})
    if bottles and bottles[-1] > 1:
        rest = _span(device_times_h(bottles[-1])[1])
        yield f"You use {' or '.join(map(str, bottles))} small spray bottles. Between them you rest for {rest}."
    if protocol.session is None:
        return
    during = [each for each in protocol.session.timepoints if each.at_h > 0]
    if any("SBP" in each.measures for each in protocol.session.timepoints):
        yield f"We check your blood pressure before, and {_times(len(during))} from the start until you go."
    yield f"You stay with us for at least {_span(protocol.session.minimum_stay_h)} from the start."
    yield "Then a nurse checks that you are awake, safe and well. Only then do you go home."
    says_food = False
    before = [each.text.strip() for each in protocol.gates if each.at == "session" and each.id == "fasting"]
    if before:
        says_food = True
        yield f"Not allowed before a session: {before[0][0].lower()}{before[0][1:]}"
    for each in protocol.session.arrival:
        # An example that no source stands behind is not told to people as a rule.
        if each.id == "fasting" and each.status == "seen in source":
            says_food = True
            yield f"Before a session: {each.text.strip()[0].lower()}{each.text.strip()[1:]}"
    food = "" if says_food else "what you may eat and drink before you come, and "
    yield f"Ask us {food}which drugs to take that day."


def _feelings(dose: Dose, known: Expected | None) -> Iterator[str]:
    peak = known.session("dissociation", "peak_h") if known else None
    odd = "You may feel odd for a while. Things may seem far away, slow or not real."
    if peak and peak.middle:
        yield f"{odd} This is most strong about {_span(peak.middle)} after the start."
    elif known is None and dose.drug in _FELT:
        yield odd
    up = known.session("systolic", "peak") if known else None
    down = known.session("systolic", "back_h") if known else None
    if up and down and up.middle and down.middle is not None:
        yield (
            f"Your blood pressure goes up for a while, by about {up.middle:.0f} mmHg. "
            f"In half of all people it is back after {_rounded(down.middle)}."
        )
    elif known is None and dose.drug in _FELT:
        yield "Your blood pressure goes up for a while. We measure it."


def _passing(dose: Dose, effects: SideEffects | None) -> Iterator[str]:
    """Say when it had passed, as a study saw it: the model's tail of dissociation is longer than any study's."""
    seen = passing(dose.drug, dose.route)
    if seen is None:
        return
    is_same = effects is not None and (effects.source, effects.people) == (seen.source, seen.people)
    who = "They were asked" if is_same else f"A study of {seen.people} people asked"
    yield f"{who} when all this had passed. The answer was: {seen.gone}."


def _better(known: Expected | None) -> tuple[People, ...]:
    if known is None:
        return ()
    looks = [known.response_near(FIRST_LOOK_H), known.response_near(SECOND_LOOK_H)]
    distinct = {look.time_h: look for look in looks}
    return tuple(_picture(each) for each in distinct.values() if each.share.middle is not None)


def _picture(look: Share) -> People:
    told = f"After {_span(look.time_h)}: {{count}} of {{out_of}} people feel much better."
    return people(look.share.middle or 0.0, told + _likely(look.share))


def _better_words(protocol: Protocol, known: Expected | None) -> Iterator[str]:
    if known is None:
        return
    fall = protocol.endpoints.response.fall
    by = "half" if fall == 1 / 2 else f"{fall:.0%}"
    yield f"Much better means: the score for low mood fell by {by} or more."
    late = known.response_near(SECOND_LOOK_H)
    if late.share.middle is not None:
        count = round((1 - late.share.middle) * PEOPLE)
        yield f"{_span(late.time_h).capitalize()} on, {count} of {PEOPLE} people do not feel much better."
    if known.ever.middle is not None:
        some = round(known.ever.middle * PEOPLE)
        yield f"At some time, {some} of {PEOPLE} people feel much better. {PEOPLE - some} of {PEOPLE} do not."
    yield "If it does not help you, that is not your fault."


def _beside_words(control: Expected | None) -> Iterator[str]:
    if control:
        if control.ever.middle is not None:
            yield f"At some time, {round(control.ever.middle * PEOPLE)} of {PEOPLE} people feel much better with it."
        yield "Hope, care and time help as well. What the drug itself adds is the gap between the two."


def _lasting(known: Expected | None) -> tuple[People, ...]:
    after = known.still_well_after(SECOND_LOOK_H) if known else None
    if after is None or after.share.middle is None:
        return ()
    told = (
        f"Take people who feel much better after the last planned treatment. {_span(after.time_h).capitalize()} later, "
        "{count} of {out_of} of them are still well."
    )
    return (people(after.share.middle, told + _likely(after.share)),)


def _lasting_words(protocol: Protocol, known: Expected | None) -> Iterator[str]:
    if known is None:
        return
    yield "For many people the good effect wears off when the treatment stops. Tell us early if your mood drops."
    if known.left.middle:
        until, count = _span(protocol.follow_up_h), round(known.left.middle * PEOPLE)
        yield f"Within {until}, about {count} of {PEOPLE} people in the model stop coming.{_likely(known.left)}"
        yield "You can stop coming at any time. You do not have to say why. Ask us before you stop any drug."


def _unknown(protocol: Protocol, arm: str, known: Expected | None) -> Iterator[str]:
    yield "We cannot tell in advance if it will help you."
    yield "We do not know how well it works, or how safe it is, over many years."
    if any(dose.is_adaptive for dose in protocol.arms[arm].doses):
        yield "We do not know how often it is best to repeat a treatment when low mood comes back."
    if known is None:
        yield "How many people get better in this plan has not been worked out yet. Ask your team."
        return
    yield (
        "The numbers of what happens to people are from a computer model, but for those of a study that is named. "
        f"The model learned from {known.trials} studies of other people. Your own way may be different."
    )
    if (known.whole.get("calibration") or {}).get("condition"):
        yield "Those studies were about another illness than the one in this plan. So the numbers may be off."


def danger_signs(protocol: Protocol, *, at_home: bool = False) -> tuple[str, ...]:
    """Say for what to get help at once, and what to tell the team the same day.

    The signs are those for which the protocol's own gates open the emergency path. They count from when somebody has
    left: during a session a nurse looks for them, and some of what is felt then is usual.

    Parameters
    ----------
    at_home
        Whether the drug is taken at home: no session is held from which somebody leaves.
    """
    return tuple(_danger(protocol, at_home=at_home))


def _danger(protocol: Protocol, *, at_home: bool) -> Iterator[str]:
    gates = [] if at_home else [each for each in protocol.gates if each.asks == "emergency"]
    signs = [words for gate in gates for sign in gate.signs for words in _SIGNS.get(sign, (sign,))]
    if signs:
        listed = f"{', '.join(signs[:-1])}, or {signs[-1]}" if len(signs) > 1 else signs[0]
        yield f"After you have left us, call the emergency number at once for: {listed}."
    yield "Tell us the same day if thoughts of harming yourself come though you feel safe, or if something worries you."


def _likely(share: Interval) -> str:
    if share.low is None or share.high is None:
        return ""
    return f" It may be as few as {round(share.low * PEOPLE)} or as many as {round(share.high * PEOPLE)}."


def _span(hours: float) -> str:
    """Tell a length of time in the words of every day."""
    days = hours / HOURS_IN_A_DAY
    if days >= 7 and days % 7 == 0:
        return _plural(round(days / 7), "week")
    if days >= 2:
        return _plural(round(days), "day")
    minutes = round(hours * 60)
    if days == 1:
        return "1 day"
    if minutes % 60:
        return _plural(minutes, "minute")
    return _plural(minutes // 60, "hour")


def _from_day_0(hours: float) -> str:
    """Tell a stretch of days that begins with day 0, with both its ends."""
    days = hours / HOURS_IN_A_DAY
    return _span(hours) if days % 7 == 0 else _span((days // 1 + 1) * HOURS_IN_A_DAY)


def _rounded(hours: float) -> str:
    """Tell a length that was computed: to the next half hour, so that it promises no false precision."""
    halves = -(-hours * 2 // 1)
    whole, half = divmod(int(halves), 2)
    if whole == 0:
        return "half an hour"
    count = "one" if whole == 1 else str(whole)
    return f"{count} and a half hours" if half else _plural(whole, "hour")


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _days(days: Sequence[str]) -> str:
    return f"day {days[0]}" if len(days) == 1 else f"days {', '.join(days[:-1])} and {days[-1]}"
