"""What answers to the belief-updating task say about learning: published fits, model comparison, the sound analysis."""
