"""Assay with a standby that is promoted and on full disks, as `./run failover` drives it."""
