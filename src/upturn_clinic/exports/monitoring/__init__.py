"""The esketamine monitoring form: which are due, what stands in them, printed, and submitted by the clinic."""
