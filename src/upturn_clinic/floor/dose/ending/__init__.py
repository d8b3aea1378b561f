"""The end of a dose: what was given, for the plan and for the register."""
