"""Linear kinetics as sums of decaying exponentials: one concept for every compartment, delay and effect site.

An :class:`Exponentials` is the response ``g(t) = Σ aᵢ exp(−λᵢ t)`` to a unit impulse. Putting two linear
systems in series convolves their responses, which is again a sum of exponentials; a compartment model is built
by composing a few of them. Rates are named, so that two responses that share a mode share its state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from upturn.numerics.roots import real_roots

__all__ = ["Exponentials", "Mammillary", "convolve", "delay", "first_order", "mammillary"]

Scalar = Float[Array, ""]

# A convolution divides by the difference of two rates. Two rates closer than this (relative) are moved apart by
# it: the response changes by about that much, and rounding costs 1e-16 over it.
LEAST_GAP = 1e-6
PAIR_GAP = 2e-4
ROUNDS = 2


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Exponentials:
    """The impulse response ``Σ aᵢ exp(−λᵢ t)`` of a linear system.

    Parameters
    ----------
    rates
        λᵢ by mode name [1/h].
    amplitudes
        aᵢ by mode name; its unit is the output's per unit of input.
    """

    rates: Mapping[str, Scalar]
    amplitudes: Mapping[str, Scalar]

    def __call__(self, time_h: Float[Array, "..."]) -> Float[Array, "..."]:
        """Give the response at ``time_h`` [h] after an impulse."""
        return sum(
            (self.amplitudes[name] * jnp.exp(-self.rates[name] * time_h) for name in self.rates),
            start=jnp.zeros_like(time_h),
        )

    def __mul__(self, factor: Scalar | float) -> Exponentials:
        """Scale the response."""
        return Exponentials(self.rates, {name: a * factor for name, a in self.amplitudes.items()})

    def __add__(self, other: Exponentials) -> Exponentials:
        """Add two responses to the same input; modes of one name are one mode."""
        names = {**self.rates, **other.rates}
        both = dict(self.amplitudes)
        for name, a in other.amplitudes.items():
            both[name] = both[name] + a if name in both else a
        return Exponentials(names, both)

    @property
    def area(self) -> Scalar:
        """The integral over all time: Σ aᵢ / λᵢ."""
        return sum((self.amplitudes[name] / self.rates[name] for name in self.rates), start=jnp.zeros(()))


def first_order(name: str, rate: Scalar | float) -> Exponentials:
    """Give the outflow of one compartment emptied at ``rate`` [1/h]: ``k exp(−k t)``, of area one."""
    rate = jnp.asarray(rate)
    return Exponentials({name: rate}, {name: rate})


def delay(name: str, mean_time: Scalar | float, compartments: int = 1) -> Exponentials:
    """Give the outflow of one or two equal compartments with a mean transit time [h]; its area is one.

    Two equal rates have no sum of plain exponentials: they are set apart symmetrically by :data:`PAIR_GAP`, which
    changes the response by less than its square.
    """
    rate = compartments / jnp.asarray(mean_time)
    if compartments == 1:
        return first_order(f"{name}1", rate)
    if compartments == 2:
        slower, faster = rate * (1 - PAIR_GAP / 2), rate * (1 + PAIR_GAP / 2)
        return convolve(first_order(f"{name}1", slower), first_order(f"{name}2", faster))
    raise ValueError("a delay has one or two compartments: more equal rates cancel too many digits")


def convolve(first: Exponentials, second: Exponentials) -> Exponentials:
    """Put two linear systems in series.

    ``a e^{−λt} * b e^{−μt} = ab (e^{−λt} − e^{−μt}) / (μ − λ)``, summed over all pairs. The rates of
    ``second`` run a little faster (all together, so that gaps among them stay) where one comes too near to a rate
    of ``first``.

    Examples
    --------
    >>> two = convolve(first_order("a", 1.0), first_order("b", 1.0))  # a double root: t e^{−t}
    >>> abs(float(two(jnp.array(2.0))) - 2 * 2.718281828459045**-2) < 1e-9
    True
    """
    shared = set(first.rates) & set(second.rates)
    if shared:
        raise ValueError(f"two systems in series need modes of their own; both have {sorted(shared)}")
    second = _apart(second, first)
    moved = second.rates
    amplitudes: dict[str, Scalar] = {}
    for i, rate in first.rates.items():
        amplitudes[i] = first.amplitudes[i] * _sum([second.amplitudes[j] / (moved[j] - rate) for j in moved])
    for j, rate in moved.items():
        amplitudes[j] = second.amplitudes[j] * _sum(
            [first.amplitudes[i] / (first.rates[i] - rate) for i in first.rates]
        )
    return Exponentials({**first.rates, **moved}, amplitudes)


def _apart(second: Exponentials, first: Exponentials) -> Exponentials:
    """Run ``second`` faster by a few :data:`LEAST_GAP` until none of its rates meets one of ``first``."""
    pace = jnp.ones(())
    for _ in range(ROUNDS):
        near = [
            jnp.abs(rate * pace - other) < LEAST_GAP * other
            for rate in second.rates.values()
            for other in first.rates.values()
        ]
        pace = jnp.where(_any(near), pace * (1 + 2.5 * LEAST_GAP), pace)
    faster = {name: rate * pace for name, rate in second.rates.items()}
    return Exponentials(faster, {name: a * pace for name, a in second.amplitudes.items()})


def _any(conditions: Sequence[Array]) -> Array:
    out = conditions[0]
    for each in conditions[1:]:
        out = out | each
    return out


def _sum(terms: Sequence[Scalar]) -> Scalar:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


@dataclass(frozen=True)
class Mammillary:
    """A central compartment with peripheral ones, solved.

    Parameters
    ----------
    rates
        The eigenvalues [1/h] by mode name; real and positive because the exchange is symmetric (an arrow matrix).
    centre
        Total rate of leaving the centre [1/h].
    out, back, leave
        For each peripheral compartment: rate from the centre, rate back, total rate of leaving it [1/h].
    """

    rates: Mapping[str, Scalar]
    centre: Scalar
    out: tuple[Scalar, ...]
    back: tuple[Scalar, ...]
    leave: tuple[Scalar, ...]

    @property
    def central(self) -> Exponentials:
        """Amount in the centre after a unit amount into the centre."""
        return self._response(lambda x: _product([k - x for k in self.leave], x))

    def to(self, peripheral: int) -> Exponentials:
        """Amount in a peripheral compartment after a unit amount into the centre."""
        others = [k for i, k in enumerate(self.leave) if i != peripheral]
        return self._response(lambda x: self.out[peripheral] * _product([k - x for k in others], x))

    def back_from(self, peripheral: int) -> Exponentials:
        """Amount in the centre after a unit amount into a peripheral compartment (detailed balance)."""
        return self.to(peripheral) * (self.back[peripheral] / self.out[peripheral])

    def within(self, peripheral: int) -> Exponentials:
        """Amount in a peripheral compartment after a unit amount into it."""
        others = [i for i in range(len(self.leave)) if i != peripheral]

        def minor(x: Scalar) -> Scalar:
            # Determinant of the matrix without that compartment, at −x: no division that could vanish.
            whole = (self.centre - x) * _product([self.leave[i] - x for i in others], x)
            for i in others:
                rest = _product([self.leave[j] - x for j in others if j != i], x)
                whole = whole - self.out[i] * self.back[i] * rest
            return whole

        return self._response(minor)

    def _response(self, top: Callable[[Scalar], Scalar]) -> Exponentials:
        amplitudes = {}
        for mode, root in self.rates.items():
            others = [other - root for name, other in self.rates.items() if name != mode]
            amplitudes[mode] = top(root) / _product(others, root)
        return Exponentials(self.rates, amplitudes)


def mammillary(
    name: str,
    *,
    elimination: Scalar | float,
    exchange: Sequence[tuple[Scalar | float, Scalar | float, Scalar | float]] = (),
) -> Mammillary:
    """Solve a central compartment with up to three peripheral ones.

    Parameters
    ----------
    name
        Prefix of the mode names.
    elimination
        Rate of elimination from the centre [1/h].
    exchange
        For each peripheral compartment: rate from the centre, rate back, rate of elimination from it [1/h].

    Examples
    --------
    >>> body = mammillary("k", elimination=1.0, exchange=[(0.5, 0.25, 0.0)])
    >>> abs(float(body.central.area) - 1.0) < 1e-12  # every amount is eliminated: k · area = 1
    True
    """
    out = tuple(jnp.asarray(o) for o, _, _ in exchange)
    back = tuple(jnp.asarray(b) for _, b, _ in exchange)
    leave = tuple(jnp.asarray(b) + jnp.asarray(e) for _, b, e in exchange)
    centre = _sum([jnp.asarray(elimination), *out])
    roots = real_roots(_characteristic(centre, out, back, leave))
    return Mammillary({f"{name}{i + 1}": root for i, root in enumerate(roots)}, centre, out, back, leave)


def _product(terms: Sequence[Scalar], like: Scalar) -> Scalar:
    total = jnp.ones_like(like)
    for term in terms:
        total = total * term
    return total


def _characteristic(
    centre: Scalar, out: Sequence[Scalar], back: Sequence[Scalar], leave: Sequence[Scalar]
) -> list[Scalar]:
    """Coefficients of (centre − x) Π(leaveᵢ − x) − Σ outᵢ backᵢ Π_{j≠i}(leaveⱼ − x), made monic."""

    def expand(roots: Sequence[Scalar]) -> list[Scalar]:
        poly = [jnp.ones_like(centre)]
        for root in roots:
            zero = jnp.zeros_like(centre)
            longer, shifted = [*poly, zero], [zero, *poly]
            poly = [a - root * b for a, b in zip(longer, shifted, strict=True)]
        return poly

    whole = expand([centre, *leave])
    for i in range(len(leave)):
        minor = expand([k for j, k in enumerate(leave) if j != i])
        shift = len(whole) - len(minor)
        for k, value in enumerate(minor):
            whole[k + shift] = whole[k + shift] - out[i] * back[i] * value
    return whole[1:]
