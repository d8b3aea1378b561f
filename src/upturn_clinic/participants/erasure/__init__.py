"""Erasing who a participant was, when nothing obliges to keep it any more. What was done with them stays, nameless."""
