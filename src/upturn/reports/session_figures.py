"""The figures of the first session and of the two states: concentration, occupancy, surge, growth, side effects.

What lives here: which figures there are, each with its sentence and caption. What does not: the course (``figures``).
"""

from __future__ import annotations

from collections.abc import Sequence

from upturn.plasticity import read_outs
from upturn.reports.drawing import ARM_INKS, Block, Ink, Key, Panel, course, figure
from upturn.reports.figures import arm_keys, inks, legend_name
from upturn.reports.reading import median
from upturn.reports.sentences import arm_name
from upturn.reports.words import Writer, duration, number, percent, prose, sentence_case, with_interval
from upturn.trials import Answer
from upturn.trials.findings import Acute, ArmAnswer

__all__ = ["ACUTE_NAMES", "acute_arms", "acute_writer", "session_blocks"]

ACUTE_NAMES = {
    "ketamine_ng_ml": "Ketamine (ng/mL)",
    "norketamine_ng_ml": "Norketamine (ng/mL)",
    "occupancy": "Receptor occupancy",
    "dissociation": "Dissociation (CADSS points)",
    "systolic": "Systolic pressure, rise (mmHg)",
    "diastolic": "Diastolic pressure, rise (mmHg)",
    "sedation": "Sedation (probability)",
}
SHARES = ("occupancy", "sedation")
FELT = ("dissociation", "systolic", "diastolic", "sedation")


def acute_writer(name: str) -> Writer:
    """Choose how a quantity of the session is written."""
    return percent if name in SHARES else lambda value: number(value, 0)


def acute_arms(answer: Answer) -> list[tuple[ArmAnswer, Acute]]:
    """List the arms with a modelled session, with it."""
    return [(arm, arm.acute) for arm in answer.arms if arm.acute is not None]


def session_blocks(answer: Answer) -> list[Block]:
    """Draw the first session and the two states; nothing where no drug with kinetics is given."""
    arms = acute_arms(answer)
    if not arms:
        return []
    return [_exposure(answer, arms), _states(answer, [arm for arm, _ in arms]), _felt(answer, arms)]


def _exposure(answer: Answer, arms: Sequence[tuple[ArmAnswer, Acute]]) -> Block:
    ink, traces, keys = inks(answer), [], []
    for arm, acute in arms:
        many = f"{legend_name(arm)}: " if len(arms) > 1 else ""
        second = Ink(*_second(ink[arm.id]), dash="dash", symbol="")
        for key, label, own, group in (
            (
                "ketamine_ng_ml",
                sentence_case(f"{many}ketamine"),
                Ink(ink[arm.id].rgb, ink[arm.id].name, symbol=""),
                arm.id,
            ),
            ("norketamine_ng_ml", sentence_case(f"{many}norketamine"), second, f"{arm.id}-norketamine"),
        ):
            traces += course(label, acute.time_h, acute.curves[key], own, acute_writer(key), markers=False, group=group)
            keys.append(Key(group, label, own))
    arm, acute = arms[0]
    top = with_interval(acute.peak["ketamine_ng_ml"], acute_writer("ketamine_ng_ml"))
    last = acute.curves["occupancy"][-1]
    peak_h = duration(median(acute.peak_h["ketamine_ng_ml"]))
    takeaway = (
        f"In {arm_name(arm.id)} ketamine in plasma is highest after {peak_h}: {top} ng/mL. After "
        f"{duration(acute.time_h[-1])} {percent(median(last))} of receptors are occupied; the change of mood lasts "
        "longer."
    )
    occupied = [
        trace
        for each, session in arms
        for trace in course(
            legend_name(each),
            session.time_h,
            session.curves["occupancy"],
            ink[each.id],
            percent,
            markers=False,
            group=each.id,
        )
    ]
    highest = max(i.high90 or 0.0 for _, session in arms for i in session.curves["occupancy"])
    sites = " and ".join(sorted({session.site for _, session in arms}))
    models = ", ".join(sorted({session.model for _, session in arms}))
    return Block(
        "exposure",
        "Concentration and occupancy after the first dose",
        takeaway,
        [
            Panel(
                "concentration",
                f"Concentration ({sites} plasma, ng/mL)",
                f"Line chart. {takeaway}",
                figure(traces),
                "session",
            ),
            Panel(
                "occupancy",
                "Receptor occupancy (share)",
                f"Line chart. Occupancy is at most {percent(median(acute.peak['occupancy']))} in the middle person.",
                figure(occupied, percent=True, ceiling=1.08 * highest),
                "session",
            ),
        ],
        f"{prose('bands', 'people')} {prose('captions', 'exposure')} Model: {models}.",
        keys,
    )


def _second(ink: Ink) -> tuple[str, str]:
    """Choose a colour for the metabolite that is not the parent's."""
    other = ARM_INKS[1] if ink.rgb != ARM_INKS[1].rgb else ARM_INKS[0]
    return other.rgb, other.name


def _states(answer: Answer, arms: Sequence[ArmAnswer]) -> Block:
    ink, panels, tops = inks(answer), [], []
    for key, title in (("surge", "Surge (state, follows occupancy)"), ("growth", "Growth (state, 0 to 1)")):
        traces = []
        for arm in arms:
            traces += course(
                legend_name(arm),
                arm.curves["time_h"],
                arm.curves[key],
                ink[arm.id],
                lambda v: number(v, 2),
                group=arm.id,
            )
        values = [median(i) for i in arms[0].curves[key]]
        peak_h = arms[0].curves["time_h"][max(range(len(values)), key=values.__getitem__)]
        tops.append(f"{key} is largest at {duration(peak_h)}")
        panels.append(
            Panel(
                key,
                title,
                f"Line chart of the state {key} over time, {tops[-1]}.",
                figure(traces, ceiling=1.05 * max(i.high90 or 0.0 for arm in arms for i in arm.curves[key])),
                "course",
            )
        )
    named = [
        f"{sentence_case(state)} is also called: "
        + "; ".join(f"{r.name} ({r.evidence})" for r in read_outs() if r.state == state)
        + "."
        for state in ("surge", "growth")
    ]
    return Block(
        "states",
        "Surge and growth: the two states between drug and mood",
        f"In {arm_name(arms[0].id)} {' and '.join(tops)}. They are bookkeeping between exposure and mood.",
        panels,
        f"{prose('bands', 'people')} {prose('captions', 'states')}",
        arm_keys(answer, arms),
        notes=named,
    )


def _felt(answer: Answer, arms: Sequence[tuple[ArmAnswer, Acute]]) -> Block:
    ink, panels = inks(answer), []
    for key in FELT:
        write = acute_writer(key)
        traces, told = [], []
        for arm, acute in arms:
            traces += course(
                legend_name(arm), acute.time_h, acute.curves[key], ink[arm.id], write, markers=False, group=arm.id
            )
            peak_h = duration(median(acute.peak_h[key]))
            told.append(f"{arm.title}: highest {with_interval(acute.peak[key], write)} after {peak_h}")
        panels.append(
            Panel(
                key,
                ACUTE_NAMES[key],
                f"Line chart. {'; '.join(told)}.",
                figure(traces, percent=key in SHARES),
                "session",
            )
        )
    back = [
        f"{arm_name(arm.id)}, dissociation {_back(acute, 'dissociation')}, systolic pressure {_back(acute, 'systolic')}"
        for arm, acute in arms
    ]
    return Block(
        "felt",
        "What is felt and measured during the first session",
        f"Back to baseline after the dose began (middle person, nine of ten people): {'; '.join(back)}.",
        panels,
        f"{prose('bands', 'people')} {prose('captions', 'felt')}",
        arm_keys(answer, [arm for arm, _ in arms]),
    )


def _back(acute: Acute, key: str) -> str:
    return with_interval(acute.back_h[key], duration)
