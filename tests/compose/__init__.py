"""Our reading of compose files beside Docker's, and what we make of them beside what kompose does."""
