"""What the published record says about the numbers of the model: a Bayesian program, its fit, and its predictions."""
