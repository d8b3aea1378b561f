"""The plan: visits and doses from the protocol in force for a person, what became of them, and other treatment."""
