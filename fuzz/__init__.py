"""Coverage-guided fuzzing of what reads untrusted input: targets, seeds, mutations, a runner."""
