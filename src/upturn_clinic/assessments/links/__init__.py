"""Links by which participants answer questionnaires on their own device: made, opened, answered once, taken back."""
