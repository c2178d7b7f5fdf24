"""Days in seconds: the reconciler under a simulated clock, before models of AEON.to and the chain."""
