"""The belief-updating task: events, people, answers and the published models of learning from them."""
