"""Looking into what was done: the trail on screen, the history of any record, signatures, reviews of emergencies."""
