"""Programmes and their protocols: uploaded or chosen, seen, signed into force, explained to participants."""
