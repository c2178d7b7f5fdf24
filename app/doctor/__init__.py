"""The checks of a deployment that `assay doctor` makes; each finding has a remedy."""
