"""What is seen and said at the bedside: readings, answers, signs, and what is decided at a gate."""
