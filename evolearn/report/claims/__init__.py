"""The page of all claims: each with its verdict and the picture that shows it."""
