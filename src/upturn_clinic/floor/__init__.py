"""The session floor: a supervised session from arrival to leaving, kept by several people at once."""
