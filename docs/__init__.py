"""Pictures for the README, made from run directories."""
