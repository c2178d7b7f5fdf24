"""Days in seconds: the reconciler under a simulated clock, before a model of AEON.to."""
