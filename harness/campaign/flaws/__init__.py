"""The flaws of a system: the matrix of a discrimination, its folder, and what each run of it shows."""
