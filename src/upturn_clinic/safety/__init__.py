"""Safety: what somebody must look at, and what went wrong. Sessions and ratings, above, open both."""
