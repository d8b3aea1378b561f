"""Telling blinded raters the days of a plan anew, when these followed the doses away from what raters were told."""
