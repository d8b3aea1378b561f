"""Words and questions of safety, for templates."""
