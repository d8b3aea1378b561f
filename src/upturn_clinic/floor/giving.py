"""What was really given, worked out from what was done when: rate × time, devices, or at once. No table, no milligram.

An amount is a share of what was prepared, in percent: that is the same for an open and for a masked dose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from upturn_clinic.floor.asked import Manner, Way
from upturn_clinic.floor.models import Administration
from upturn_clinic.floor.phases import minutes_between
from upturn_clinic.treatments.dosing import DEVIATION

__all__ = ["Giving", "giving_of", "is_early", "minutes_in_all", "next_device_at", "percent_words"]

KIND = Administration.Kind
MINUTES = 60
ALL, WHOLE = 100.0, Decimal(100)
TENTH = Decimal("0.1")


@dataclass(frozen=True)
class Giving:
    """How the giving stands at a time.

    Parameters
    ----------
    began_at, ended_at
        The first and the last act; none before that.
    is_running
        Whether an infusion runs at this moment.
    is_paused
        Whether it was paused and did not go on yet.
    rate_ml_h
        The rate that is set [ml/h].
    ml
        What has run in so far [ml].
    percent
        The share of what was prepared that was given so far [%], at most 100; None where nobody can know it: an
        infusion of which no volume is entered.
    devices
        How many devices were used; one that gave nothing was not.
    shares
        How much of each of these was given [%], in order.
    pauses_min
        How long it stood still between start and end [min].
    last_at
        The newest act; of devices the newest one that gave something.
    run_min
        How long an infusion ran, pauses left out [min]; what runs on after the last drop is air or flush.
    empty_at
        When all of an infusion that was not ended has run in, or will have; None where nobody can know it.
    """

    began_at: datetime | None = None
    ended_at: datetime | None = None
    is_running: bool = False
    is_paused: bool = False
    rate_ml_h: float = 0.0
    ml: float = 0.0
    percent: float | None = 0.0
    devices: int = 0
    shares: tuple[Decimal, ...] = ()
    pauses_min: float = 0.0
    last_at: datetime | None = None
    run_min: float = 0.0
    empty_at: datetime | None = None

    @property
    def minutes(self) -> float:
        """From the first act to the last [min]."""
        if self.began_at is None or self.ended_at is None:
            return 0.0
        return minutes_between(self.began_at, self.ended_at)

    @property
    def rounded_percent(self) -> Decimal | None:
        """The share to a tenth of a percent, halves upward."""
        return None if self.percent is None else Decimal(str(self.percent)).quantize(TENTH, rounding=ROUND_HALF_UP)


def giving_of(
    manner: Manner, acts: Sequence[Administration], *, filling_ml: float | None, until: datetime,
    has_ended: bool = False,
) -> Giving:  # fmt: skip
    """Work out how the giving stands.

    Parameters
    ----------
    acts
        What was done; what was struck out does not count. In any order.
    filling_ml
        What syringe or bag hold [ml].
    until
        The time to look at; an infusion that still runs has run until then.
    has_ended
        Whether the dose has ended already: a device that is corrected to nothing does not open it again.
    """
    done = [each for each in acts if each.counts and each.at <= until]
    done.sort(key=lambda each: (each.at, each.noted_at))
    if not done:
        return Giving()
    if manner.way is Way.INFUSION:
        return _infusion(done, filling_ml, until)
    return _pieces(manner, done, has_ended=has_ended)


def minutes_in_all(state: Giving, *, filling_ml: float | None) -> float | None:
    """Say after how many minutes all of an infusion will have run in, pauses left out; None where none runs.

    Examples
    --------
    >>> minutes_in_all(Giving(is_running=True, rate_ml_h=75.0), filling_ml=50.0)
    40.0
    """
    if not (state.is_running and state.rate_ml_h and filling_ml):
        return None
    return state.run_min + MINUTES * max(filling_ml - state.ml, 0.0) / state.rate_ml_h


def next_device_at(manner: Manner, last_at: datetime) -> datetime:
    """Say from which full minute on the next device may be used.

    Examples
    --------
    >>> from datetime import UTC
    >>> manner = Manner(Way.DEVICES, "intranasal", devices_min=(0.0, 5.0))
    >>> f"{next_device_at(manner, datetime(2026, 3, 23, 9, 0, 40, tzinfo=UTC)):%H:%M}"
    '09:06'
    """
    times = manner.devices_min
    at = last_at + timedelta(minutes=times[1] - times[0] if len(times) > 1 else 0)
    full = at.replace(second=0, microsecond=0)
    return full if full == at else full + timedelta(minutes=1)


def _infusion(done: Sequence[Administration], filling_ml: float | None, until: datetime) -> Giving:
    began = ended = None
    # What was entered for a later time than the end gives nothing: the end arrived late, or was corrected.
    end = next((place for place, each in enumerate(done) if each.kind == KIND.STOP), len(done))
    done = done[: end + 1]
    rate, running, paused, ml, still, ran, since = 0.0, False, False, 0.0, 0.0, 0.0, done[0].at
    empty_at: datetime | None = None
    # A stretch up to each act, and one up to the time to look at.
    for at, each in (*((each.at, each) for each in done), (until, None)):
        span = minutes_between(since, at)
        still += span if paused and each is not None else 0.0
        if running:
            # A syringe gives no more than it holds.
            lasts = MINUTES * max(filling_ml - ml, 0.0) / rate if filling_ml else None
            if lasts is not None and empty_at is None and (lasts <= span or each is None):
                empty_at = since + timedelta(seconds=round(lasts * MINUTES))
            span = span if lasts is None else min(span, lasts)
            ml += rate * span / MINUTES
            ran += span
        since = at
        if each is None:
            continue
        if each.rate_ml_h is not None:
            rate = float(each.rate_ml_h)
        if each.kind == KIND.START:
            began, running = each.at, True
        elif each.kind == KIND.PAUSE:
            running, paused = False, True
        elif each.kind == KIND.RESUME:
            running, paused = True, False
        elif each.kind == KIND.STOP:
            ended, running, paused = each.at, False, False
    percent = ALL * ml / filling_ml if filling_ml else None
    return Giving(
        began, ended, running, paused, rate, ml, percent, pauses_min=still, last_at=done[-1].at, run_min=ran,
        empty_at=empty_at if running else None,
    )  # fmt: skip


def _pieces(manner: Manner, done: Sequence[Administration], *, has_ended: bool) -> Giving:
    pieces = [each for each in done if each.kind in (KIND.DEVICE, KIND.GIVEN)]
    stopped = next((each.at for each in done if each.kind == KIND.STOP), None)
    planned = len(manner.devices_min) or 1
    # A device that fell and gave nothing was not used: another one may take its place.
    used = [each for each in pieces if each.kind == KIND.GIVEN or each.percent != 0]
    shares = tuple(WHOLE if each.percent is None else each.percent for each in used)
    is_over = stopped is not None or len(used) >= planned or (has_ended and len(pieces) >= planned)
    began = next((each.at for each in (used or (pieces if is_over else ()))), None)
    ended = pieces[-1].at if pieces and is_over else None
    devices = sum(each.kind == KIND.DEVICE for each in used)
    return Giving(
        began, ended, percent=min(float(sum(shares)) / planned, ALL), devices=devices, shares=shares,
        last_at=(used or done)[-1].at,
    )  # fmt: skip


def is_early(state: Giving) -> bool:
    """Tell whether clearly less than what was prepared was given."""
    return state.percent is not None and state.percent < ALL * (1 - DEVIATION)


def percent_words(state: Giving) -> str:
    """Write the share that was given."""
    share = state.rounded_percent
    return "an unknown share" if share is None else f"{share.normalize():f} %"
