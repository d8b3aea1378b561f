"""Arithmetic without pharmacology: sums of exponentials, real roots, quadrature, precision, compile cache.

This is the lowest room that loads JAX. Loading it switches JAX to float64 (float32 loses up to eleven percent
where two rates nearly coincide) and lets compiled programs be kept between runs.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import jax

from upturn.numerics.exponentials import Exponentials, Mammillary, convolve, delay, first_order, mammillary
from upturn.numerics.people import block_size, map_people, person_key
from upturn.numerics.quadrature import Rule, clustered, gauss_legendre
from upturn.numerics.roots import real_roots

__all__ = [
    "Exponentials",
    "Mammillary",
    "Rule",
    "block_size",
    "clustered",
    "convolve",
    "delay",
    "first_order",
    "gauss_legendre",
    "mammillary",
    "map_people",
    "person_key",
    "real_roots",
]


def _compile_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "upturn" / "compiled"


jax.config.update("jax_enable_x64", True)
with suppress(RuntimeError):  # a program that already uses JAX keeps the devices it has
    # One device per core: XLA does not spread a loop over cores by itself.
    jax.config.update("jax_num_cpu_devices", os.cpu_count() or 1)
if jax.config.values["jax_compilation_cache_dir"] is None:
    jax.config.update("jax_compilation_cache_dir", str(_compile_cache()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)
