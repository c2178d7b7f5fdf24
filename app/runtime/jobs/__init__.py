"""The engine of the jobs, procrastinate, which workers of features carry their tasks by."""
