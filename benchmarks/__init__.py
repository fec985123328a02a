"""How fast lives are, beside peers that do the same work: ``python -m benchmarks``. Never part of pass or fail."""
