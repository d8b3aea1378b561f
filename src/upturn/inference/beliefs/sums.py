"""What linear models need to know of the answers of a session: a few sums over trials, and nothing else.

All twelve models say first − second = S·error + A·sign·error + noise, so their likelihoods depend on the answers
through the products of ``error``, ``sign·error`` and the update. What lives here: which trials count, these sums, and
what is left of them once S and A are known. What does not: any prior or fit (``persons``, ``leave_one_out``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from upturn.beliefs.answers import Answers
from upturn.beliefs.models import MODELS, Model, Relevance, SignRule, driving_error, model_called, news_sign
from upturn.errors import InputError

__all__ = ["Sums", "free_masks", "left_over", "refuse_silent", "session_sums", "trials_used"]


@dataclass(frozen=True)
class Sums:
    """Hold all that the models need to know of the answers: sums over trials, per model and session.

    Parameters
    ----------
    trials
        Number of trials used.
    scale_scale, scale_sign, sign_sign
        Products of the two regressors, ``error`` and ``sign·error`` [points²].
    scale_update, sign_update, update_update
        Products with the update, first − second [points²].
    """

    trials: Float[Array, "model session"]
    scale_scale: Float[Array, "model session"]
    scale_sign: Float[Array, "model session"]
    sign_sign: Float[Array, "model session"]
    scale_update: Float[Array, "model session"]
    sign_update: Float[Array, "model session"]
    update_update: Float[Array, "model session"]


jax.tree_util.register_dataclass(Sums, [field.name for field in fields(Sums)], [])


def trials_used(answers: Answers, models: Sequence[str] = tuple(MODELS)) -> Bool[np.ndarray, "session trial"]:
    """Say which trials can be used by every one of the models, so that they are compared on the same answers.

    Raises
    ------
    InputError
        No such model.
    """
    if any(model_called(name).needs_other for name in models):
        return answers.answered & np.isfinite(answers.other)
    return answers.answered


def refuse_silent(answers: Answers, models: Sequence[str]) -> Bool[np.ndarray, "session trial"]:
    """Give the trials that every one of the models can use, or name the sessions that have none.

    Raises
    ------
    InputError
        No such model; sessions without such a trial.
    """
    used = trials_used(answers, models)
    silent = np.flatnonzero(~used.any(axis=1))
    if silent.size:
        names = [f"{answers.participant[i]} ({answers.visit[i]})" for i in silent]
        needy = [name for name in models if MODELS[name].needs_other]
        raise InputError(
            "Some sessions have no trial that every model can use.",
            expected="in every session, trials with base rate, both own estimates"
            + (" and an estimate for someone else" if needy else ""),
            came=f"{len(names)} of {len(used)} sessions without one",
            where=", ".join(names[:5]) + (" …" if len(names) > 5 else ""),
            remedy="leave these sessions out" + (f", or the models {', '.join(needy)}" if needy else ""),
        )
    return used


def session_sums(
    models: Sequence[Model],
    first: Float[Array, "session trial"],
    base_rate: Float[Array, "session trial"],
    other: Float[Array, "session trial"],
    second: Float[Array, "session trial"],
    used: Bool[Array, "session trial"],
    *,
    relevance: Relevance,
    sign: SignRule,
) -> Sums:
    """Sum over the trials of each session what a linear model needs; answers in percent, any value where not used."""
    # Answers that are not used become harmless ones before the arithmetic, and weigh nothing after it.
    first, base_rate, other, second = (
        jnp.where(used & jnp.isfinite(a), a, 1.0) for a in (first, base_rate, other, second)
    )
    update = jnp.where(used, first - second, 0.0)
    known: dict[tuple[str, bool], tuple[Array, ...]] = {}
    for model in models:
        kind = (model.family, model.uses_relevance)
        if kind not in known:
            error = jnp.where(used, driving_error(model, first, base_rate, other, relevance=relevance), 0.0)
            signed = error * news_sign(model, first, base_rate, other, sign=sign)
            pairs = (
                (error, error), (error, signed), (signed, signed), (error, update), (signed, update), (update, update),
            )  # fmt: skip
            known[kind] = (jnp.sum(used, axis=-1, dtype=float), *(jnp.sum(a * b, axis=-1) for a, b in pairs))
    rows = [known[model.family, model.uses_relevance] for model in models]
    return Sums(*(jnp.stack(column) for column in zip(*rows, strict=True)))


def free_masks(models: Sequence[Model]) -> tuple[Float[Array, "model 1"], Float[Array, "model 1"]]:
    """Give 1 where a model frees scaling, and where it frees asymmetry; else 0."""
    scaling = jnp.asarray([[float(model.frees_scaling)] for model in models])
    return scaling, jnp.asarray([[float(model.frees_asymmetry)] for model in models])


def left_over(
    sums: Sums,
    free_scaling: Float[Array, "..."],
    free_asymmetry: Float[Array, "..."],
    scaling: Float[Array, "..."],
    asymmetry: Float[Array, "..."],
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Give the sums of the free regressors and of what is left of the updates at the given S and A.

    Returns
    -------
    tuple
        G₁₁, G₁₂, G₂₂ (products of free regressors), h₁, h₂ (products with the rest), and the sum of squares of the
        rest [points²]. Regressors of fixed numbers are zero.
    """
    s = sums
    left_scale = s.scale_update - scaling * s.scale_scale - asymmetry * s.scale_sign
    left_sign = s.sign_update - scaling * s.scale_sign - asymmetry * s.sign_sign
    squares = (
        s.update_update
        - scaling * (s.scale_update + left_scale)
        - asymmetry * (s.sign_update + left_sign)
    )  # fmt: skip
    return (
        free_scaling * s.scale_scale,
        free_scaling * free_asymmetry * s.scale_sign,
        free_asymmetry * s.sign_sign,
        free_scaling * left_scale,
        free_asymmetry * left_sign,
        jnp.maximum(squares, 0.0),
    )
