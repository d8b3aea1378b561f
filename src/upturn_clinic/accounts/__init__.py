"""People of the clinic: who they are, where they work, what they may do, and the gate in front of every page."""
