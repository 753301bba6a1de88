"""What helps to learn: the lesson, and the tour that runs it."""
