"""The dose of a session: start, pause, change of rate, devices, end; and what was really given."""
