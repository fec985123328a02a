"""The worlds in the box, one file each; see `evolearn.world` for the contract."""
