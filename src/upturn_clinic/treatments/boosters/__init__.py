"""Boosters: the protocol's rule for them, and how one comes onto a plan."""
