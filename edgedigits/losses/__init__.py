"""The losses, a file each; `find_loss` and `LOSSES` know those that lie in this folder."""
