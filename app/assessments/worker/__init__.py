"""The worker of the job queue, which asks providers for assessments that wait."""
