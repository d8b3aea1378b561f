"""Treatment beside the plan: other interventions and other drugs, recorded and not judged."""
