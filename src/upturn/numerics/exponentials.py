"""Linear kinetics as sums of decaying exponentials: one concept for every compartment, delay and effect site.

An :class:`Exponentials` is the response ``g(t) = Σ aᵢ exp(−λᵢ t)`` to a unit impulse. Putting two linear
systems in series convolves their responses, which is again a sum of exponentials; a compartment model is built
by composing a few of them. Rates are named, so that two responses that share a mode share its state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

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
    modes
        Names of the modes.
    rates
        λᵢ of each mode [1/h]: modes are the first axis, people (if there are many) the last.
    amplitudes
        aᵢ of each mode, of the same shape; its unit is the output's per unit of input.
    """

    modes: tuple[str, ...] = field(metadata={"static": True})
    rates: Float[Array, "modes *people"]
    amplitudes: Float[Array, "modes *people"]

    def __call__(self, time_h: Float[Array, "..."]) -> Float[Array, "..."]:
        """Give the response at ``time_h`` [h] after an impulse."""
        return _sum([a * jnp.exp(-rate * time_h) for rate, a in zip(self.rates, self.amplitudes, strict=True)])

    def __mul__(self, factor: Scalar | float) -> Exponentials:
        """Scale the response."""
        factor = jnp.asarray(factor)
        amplitudes = _people_axes(self.amplitudes, factor.ndim) * factor
        rates = jnp.broadcast_to(_people_axes(self.rates, factor.ndim), amplitudes.shape)
        return Exponentials(self.modes, rates, amplitudes)

    def __add__(self, other: Exponentials) -> Exponentials:
        """Add two responses to the same input; modes of one name are one mode."""
        rates = dict(zip(self.modes, self.rates, strict=True))
        amplitudes = dict(zip(self.modes, self.amplitudes, strict=True))
        for name, rate, a in zip(other.modes, other.rates, other.amplitudes, strict=True):
            rates[name] = rate
            amplitudes[name] = amplitudes[name] + a if name in amplitudes else a
        return Exponentials(tuple(rates), _stack(rates.values()), _stack(amplitudes.values()))

    @property
    def area(self) -> Scalar:
        """The integral over all time: Σ aᵢ / λᵢ."""
        return _sum(list(self.amplitudes / self.rates))


def first_order(name: str, rate: Scalar | float) -> Exponentials:
    """Give the outflow of one compartment emptied at ``rate`` [1/h]: ``k exp(−k t)``, of area one."""
    rates = jnp.asarray(rate)[None]
    return Exponentials((name,), rates, rates)


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
    shared = set(first.modes) & set(second.modes)
    if shared:
        raise ValueError(f"two systems in series need modes of their own; both have {sorted(shared)}")
    rank = max(first.rates.ndim, second.rates.ndim) - 1
    slow, fast = _people_axes(first.rates, rank), _people_axes(second.rates, rank)
    pace = _apart(fast, slow)
    fast = fast * pace
    pushed, passed = _people_axes(first.amplitudes, rank), _people_axes(second.amplitudes, rank) * pace
    gap = fast[:, None] - slow[None]
    amplitudes = [pushed * _sum(list(passed[:, None] / gap)), -passed * _sum(list((pushed[None] / gap).swapaxes(0, 1)))]
    return Exponentials(first.modes + second.modes, _join([slow, fast]), _join(amplitudes))


def _apart(rates: Float[Array, "modes *people"], others: Float[Array, "others *people"]) -> Scalar:
    """Give the pace, a few :data:`LEAST_GAP` above one, at which none of the rates meets one of the others."""
    pace = jnp.ones(())
    for _ in range(ROUNDS):
        near = jnp.abs((rates * pace)[:, None] - others[None]) < LEAST_GAP * others[None]
        pace = jnp.where(near.any(axis=(0, 1)), pace * (1 + 2.5 * LEAST_GAP), pace)
    return pace


def _people_axes(rows: Float[Array, "modes *people"], rank: int) -> Float[Array, "modes *people"]:
    """Give at least ``rank`` axes after the first, so that rows of one value meet rows of many."""
    return rows.reshape(rows.shape[0], *[1] * (rank + 1 - rows.ndim), *rows.shape[1:])


def _stack(rows: Iterable[Array]) -> Array:
    return jnp.stack(jnp.broadcast_arrays(*rows))


def _join(parts: Sequence[Array]) -> Array:
    """Put modes behind modes."""
    people = jnp.broadcast_shapes(*(part.shape[1:] for part in parts))
    return jnp.concatenate([jnp.broadcast_to(part, (part.shape[0], *people)) for part in parts])


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
    modes
        Names of the modes.
    rates
        The eigenvalues [1/h]; real and positive because the exchange is symmetric (an arrow matrix).
    centre
        Total rate of leaving the centre [1/h].
    out, back, leave
        For each peripheral compartment: rate from the centre, rate back, total rate of leaving it [1/h].
    """

    modes: tuple[str, ...]
    rates: Float[Array, "modes *people"]
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
        below = [
            _product([other - root for j, other in enumerate(self.rates) if j != i], root)
            for i, root in enumerate(self.rates)
        ]
        return Exponentials(self.modes, self.rates, top(self.rates) / jnp.stack(below))


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
    modes = tuple(f"{name}{i + 1}" for i in range(len(roots)))
    return Mammillary(modes, _stack(roots), centre, out, back, leave)


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
