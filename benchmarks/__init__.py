"""Measurements of speed and memory, as ratios beside peers in one run. See README.md here for the numbers."""
