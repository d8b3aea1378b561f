"""What opens the house to one person: open sessions, code app, recovery codes; how they are seen, ended, set anew."""
