"""Writing one row of the register."""
