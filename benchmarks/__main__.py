"""Run every benchmark in one go and print the numbers that README.md shows: ``make benchmark``."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import yardstick as w
from benchmarks.belief_samplers import belief_samplers
from benchmarks.beliefs import belief_persons
from benchmarks.chain import full_chain
from benchmarks.clinic import clinic
from benchmarks.floor import floor
from benchmarks.peers import diffrax_course, reference, scipy_course
from upturn.numerics import map_people

REPEATS = 5
OUTPUTS = ("C", "N", "occupancy", "S", "mood")
CORES = os.cpu_count() or 1


def timed(work: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Median seconds of a call, after one to warm up."""
    jax.block_until_ready(work())
    return statistics.median(seconds(lambda: jax.block_until_ready(work())) for _ in range(repeats))


def yardstick() -> dict[str, Any]:
    """(a) W1 by the product's chain, beside SciPy and diffrax."""
    many = map_people(w.course)
    n = 65_536
    people = jnp.asarray(w.people(n))
    ours = n / timed(lambda: many((), people))
    few = w.people(64)
    start_up = time.perf_counter()
    scipy_course(few[:CORES], processes=CORES)
    start_up = time.perf_counter() - start_up
    slow = len(few) / (seconds(lambda: scipy_course(few, processes=CORES)) - start_up)
    mid = w.people(512)
    peer = jax.jit(diffrax_course)
    halves = jnp.asarray(mid)
    diff = len(mid) / timed(lambda: peer(halves), 2)
    sample = w.people(100_000)[np.linspace(0, 99_999, 400).astype(int)]
    tight = reference(sample, processes=CORES)
    found = np.asarray(many((), jnp.asarray(sample)))
    errors = w.errors(found, tight)
    return {
        "people_per_s": round(ours),
        "scipy_lsoda_people_per_s": round(slow, 1),
        "diffrax_tsit5_people_per_s": round(diff, 1),
        "times_scipy": round(ours / slow),
        "times_diffrax": round(ours / diff),
        "largest_error": {
            name: float(f"{e:.2g}") for name, e in zip(["C", "N", "occupancy", "S", "mood"], errors, strict=True)
        },
        "people_checked": len(sample),
    }


def seconds(work: Callable[[], Any]) -> float:
    """Seconds of one call, without warming up (nothing is compiled)."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def chain() -> dict[str, Any]:
    """(b) The full shipped chain: racemate with metabolites, effect site, occupancy, both plastic states."""
    some, outputs = full_chain()
    many = map_people(some)
    n = 16_384
    who = jnp.arange(n)
    key = jax.random.key(1)
    return {"people_per_s": round(n / timed(lambda: many(key, who), 3)), "outputs": outputs, "times": len(w.OUTPUT_H)}


def command(words: list[str], *, cache: Path | None = None) -> tuple[float, float]:
    """Seconds and peak gigabytes of one command of the product."""
    env = dict(os.environ) | ({"XDG_CACHE_HOME": str(cache)} if cache else {})
    start = time.perf_counter()
    script = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, done.returncode, done.stderr[-500:])\n"
    )
    upturn = str(Path(sys.executable).parent / "upturn")
    out = subprocess.run(
        [sys.executable, "-c", script, upturn, *words], check=True, capture_output=True, text=True, env=env
    ).stdout.split(maxsplit=2)
    if out[1] != "0":
        raise RuntimeError(f"upturn {' '.join(words)} ended with {out[1]}: {out[2:]}")
    return time.perf_counter() - start, int(out[0]) / 1024**2


def stream() -> dict[str, Any]:
    """(c) A million people per arm, streamed to Parquet."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "records"
        took, gib = command(
            ["simulate", "single-infusion", "--patients", "500000", "--seed", "1", "--out", str(target)]
        )
        size = sum(f.stat().st_size for f in target.rglob("*.parquet")) / 1024**3
    return {"people": 1_000_000, "seconds": round(took, 1), "peak_gib": round(gib, 2), "parquet_gib": round(size, 2)}


def answer() -> dict[str, Any]:
    """(d) Process start to printed answer, 1,000 people per arm in each of 100 new trials."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        words = ["answer", "six-infusions", "--patients", "1000", "--out", str(Path(folder) / "out")]
        cold, _ = command(words, cache=cache)
        warm = [command(words, cache=cache) for _ in range(3)]
        small = [command([*words[:3], "10", *words[4:]], cache=cache)[0] for _ in range(3)]
    return {
        "cold_s": round(cold, 1),
        "warm_s": round(statistics.median(s for s, _ in warm), 1),
        "peak_gib": round(max(g for _, g in warm), 2),
        "warm_s_10_people_in_each_of_100_trials": round(statistics.median(small), 1),
    }


WORKLOADS: dict[str, Callable[[], dict[str, Any]]] = {
    "yardstick": yardstick,
    "chain": chain,
    "stream": stream,
    "answer": answer,
    "belief_persons": belief_persons,
    "belief_samplers": belief_samplers,
    "clinic": clinic,
    "floor": floor,
}


def main() -> None:
    """Measure what the arguments name, or everything."""
    wanted = sys.argv[1:] or list(WORKLOADS)
    machine = {
        "python": platform.python_version(),
        "jax": jax.__version__,
        "devices": [str(d) for d in jax.devices()],
        "cores": CORES,
        "memory_peak_gib": None,
    }
    found: dict[str, Any] = {"machine": machine}
    for name in wanted:
        found[name] = WORKLOADS[name]()
        print(json.dumps({name: found[name]}, indent=1), flush=True)
    machine["memory_peak_gib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2, 2)
    print(json.dumps({"machine": machine}, indent=1))


if __name__ == "__main__":
    main()
